-- Views over the archive, for any SQL tool: sqlite3, psql, Datasette, `metasearch archive sql`.
-- They are made again whenever the tables change; a change here needs a migration (it may be empty).
-- Money is dollars here; the tables hold picodollars (1e-12) so that sums are exact.

-- What each entry reached on each split. Evaluations that ended as 'infrastructure' are no score, and
-- those of the finals, whose repeat is 1000 or more, are for the chosen ones alone: they rank nobody.
CREATE VIEW summary AS
SELECT
    v.search_id AS search_id,
    v.entry_id AS entry_id,
    v.split AS split,
    COUNT(*) AS n,
    AVG(v.score) AS mean,
    SUM(CASE WHEN v.score >= 0.5 THEN 1 ELSE 0 END) AS solved,
    SUM(v.picodollars) / 1e12 / COUNT(*) AS dollars_per_task,
    SUM(v.prompt_tokens + v.completion_tokens) * 1.0 / COUNT(*) AS tokens_per_task,
    AVG(v.seconds) AS seconds_per_task
FROM evaluation AS v
WHERE v.outcome <> 'infrastructure' AND v.repeat < 1000
GROUP BY v.search_id, v.entry_id, v.split;

-- Fully evaluated designs of a search, best first: by validation mean (twelve digits, so that the
-- order in which scores were added up decides nothing), then by price, then the older one.
CREATE VIEW leaderboard AS
SELECT
    s.search_id AS search_id,
    ROW_NUMBER() OVER (
        PARTITION BY s.search_id
        ORDER BY ROUND(CAST(s.mean AS NUMERIC), 12) DESC, s.dollars_per_task, s.tokens_per_task, e.number
    ) AS place,
    e.number AS number,
    e.id AS entry_id,
    e.design_id AS design_id,
    e.name AS name,
    e.proposer AS proposer,
    e.operator AS operator,
    s.n AS n,
    s.mean AS mean,
    s.solved AS solved,
    s.dollars_per_task AS dollars_per_task,
    s.tokens_per_task AS tokens_per_task,
    s.seconds_per_task AS seconds_per_task
FROM summary AS s
JOIN entry AS e ON e.id = s.entry_id
WHERE s.split = 'validation' AND e.status = 'evaluated';

-- Designs for which no other is at least as good and cheaper, cheapest first. The price is dollars,
-- and tokens where dollars are equal (a model on this machine costs none).
CREATE VIEW pareto_front AS
SELECT *
FROM (
    SELECT
        l.*,
        MAX(l.mean) OVER (
            PARTITION BY l.search_id
            ORDER BY l.dollars_per_task, l.tokens_per_task, l.place
            ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING
        ) AS best_cheaper
    FROM leaderboard AS l
) AS priced
WHERE priced.best_cheaper IS NULL OR priced.mean > priced.best_cheaper;

-- Where each entry stands in the tree of main parents. `path` names the ancestors from the seed on.
CREATE VIEW lineage AS
WITH RECURSIVE tree (search_id, entry_id, number, parent_number, seed_number, depth, path) AS (
    SELECT e.search_id, e.id, e.number, CAST(NULL AS INTEGER), e.number, 0, CAST(e.number AS TEXT)
    FROM entry AS e
    WHERE NOT EXISTS (SELECT 1 FROM parent AS p WHERE p.child_id = e.id)
    UNION ALL
    SELECT
        c.search_id, c.id, c.number, t.number, t.seed_number, t.depth + 1,
        t.path || ' > ' || CAST(c.number AS TEXT)
    FROM tree AS t
    JOIN parent AS p ON p.parent_id = t.entry_id AND p.position = 0
    JOIN entry AS c ON c.id = p.child_id
)
SELECT search_id, entry_id, number, parent_number, seed_number, depth, path
FROM tree;

-- How the evaluations of each entry ended.
CREATE VIEW outcomes AS
SELECT e.search_id AS search_id, e.number AS number, v.split AS split, v.outcome AS outcome,
    COUNT(*) AS n
FROM evaluation AS v
JOIN entry AS e ON e.id = v.entry_id
GROUP BY e.search_id, e.number, v.split, v.outcome;

-- What each search has really paid, by purse and model.
CREATE VIEW spend AS
SELECT
    r.search_id AS search_id,
    r.owner AS owner,
    r.model AS model,
    COUNT(*) AS calls,
    SUM(r.prompt_tokens) AS prompt_tokens,
    SUM(r.cached_tokens) AS cached_tokens,
    SUM(r.completion_tokens) AS completion_tokens,
    SUM(r.picodollars) / 1e12 AS dollars
FROM reply AS r
WHERE r.search_id IS NOT NULL
GROUP BY r.search_id, r.owner, r.model;
