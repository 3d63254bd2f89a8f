"""Plain English words that the questions are made of."""

from __future__ import annotations

__all__ = ["GOODS", "GROUPS", "NAMES", "WORDS"]

_NAMES = """
Ada Ben Carla Dan Eva Finn Gina Hugo Iris Jack Kim Leo Maya Nora Omar Paula Rosa Sam Tara Uma
Viktor Wendy Yusuf Zoe
"""
NAMES = tuple(_NAMES.split())

GOODS = (
    ("pen", "pens"),
    ("mug", "mugs"),
    ("book", "books"),
    ("lamp", "lamps"),
    ("ball", "balls"),
    ("cake", "cakes"),
    ("shirt", "shirts"),
    ("chair", "chairs"),
    ("plant", "plants"),
    ("candle", "candles"),
    ("basket", "baskets"),
    ("ticket", "tickets"),
    ("notebook", "notebooks"),
    ("umbrella", "umbrellas"),
)

_GROUPS = """
poets sailors bakers doctors farmers dancers pilots singers teachers hunters painters lawyers
runners gardeners chemists actors swimmers jugglers weavers drummers
"""
GROUPS = tuple(_GROUPS.split())

_WORDS = """
apple arrow autumn avocado balloon banana barrel basket beaver bedroom bottle bread breeze
bridge bubble bucket butter button cabbage cabin camera candle canyon carpet carrot castle
cattle cellar cheese cherry chicken circle cloud coffee collar copper corner cotton cousin
cradle cucumber curtain daisy daughter desert diamond dinner doctor dollar donkey dragon
drawer eagle elbow elephant engine evening eyebrow falcon family farmer feather fiddle finger
flower forest fossil fountain freedom garden garlic giraffe glacier goose grammar granite
grasshopper guitar hammer harbor hazelnut hedgehog helmet hollow honey horizon hotel island
jacket jelly jewel journey jungle kangaroo kettle kitchen kitten ladder lantern lemon letter
library lizard lobster lumber magnet mammoth mango marble market meadow melon mirror monkey
morning mountain muffin mushroom music narrow needle nephew nickel noodle north nutmeg ocean
office olive onion orange orchard otter oyster paddle pajamas palace papaya parrot passage
peanut pebble pencil penguin pepper piano pickle pillow pirate planet pocket poppy potato
powder puddle puppet puzzle rabbit raccoon radish raven ribbon river robin rocket saddle
sailor salmon sandal school season shadow shelter silver sister spider spinach spring squirrel
station stomach street summer sunset swallow tablet teapot temple terrace thunder timber
tomato tortoise tractor tunnel turtle umbrella valley vanilla velvet village violin volcano
waffle wallet walnut weather whisper willow window winter wisdom wizard yellow yogurt zebra
zipper
"""
WORDS = tuple(_WORDS.split())
