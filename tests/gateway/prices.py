from metasearch.gateway.prices import Price

DOLLAR_A_MILLION = Price(1_000_000, 1_000_000, 1_000_000)
