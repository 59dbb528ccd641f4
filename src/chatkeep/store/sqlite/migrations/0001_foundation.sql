-- Times are Unix microseconds (UTC), money is nano-dollars, JSON is text, ids are UUID text.
-- Every unique key begins with the owner. `body` holds a record whole, as documented in docs/data-model.md; the columns
-- beside it are what queries filter, order and sum by, always written from the same value.

-- One row: who this store is. A restored or copied store gets a new epoch.
CREATE TABLE store (
    one        INTEGER PRIMARY KEY CHECK (one = 1),
    store_id   TEXT NOT NULL,
    epoch      TEXT NOT NULL,
    purge_key  BLOB NOT NULL,
    created_at INTEGER NOT NULL
) STRICT;

CREATE TABLE project (
    pk            INTEGER PRIMARY KEY AUTOINCREMENT,
    owner         TEXT NOT NULL,
    id            TEXT NOT NULL,
    name          TEXT NOT NULL,
    name_key      TEXT NOT NULL,
    parent_pk     INTEGER,
    created_at    INTEGER NOT NULL,
    updated_at    INTEGER NOT NULL,
    source_format TEXT,
    source_scope  TEXT,
    source_id     TEXT,
    version       INTEGER NOT NULL DEFAULT 1,
    body          TEXT NOT NULL,
    UNIQUE (owner, id),
    UNIQUE (owner, pk),
    FOREIGN KEY (owner, parent_pk) REFERENCES project (owner, pk) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX project_source ON project (owner, source_id, source_scope, source_format) WHERE source_id IS NOT NULL;
CREATE INDEX project_parent ON project (owner, parent_pk) WHERE parent_pk IS NOT NULL;
CREATE INDEX project_name ON project (owner, name_key, id);

CREATE TABLE conversation (
    pk                 INTEGER PRIMARY KEY AUTOINCREMENT,
    owner              TEXT NOT NULL,
    id                 TEXT NOT NULL,
    title              TEXT,
    project_pk         INTEGER,
    kind               TEXT NOT NULL DEFAULT 'chat',
    workspace          TEXT,
    agent              TEXT,
    session_id         TEXT,
    head_id            TEXT,
    pinned             INTEGER NOT NULL DEFAULT 0,
    archived           INTEGER NOT NULL DEFAULT 0,
    trashed_at         INTEGER,
    created_at         INTEGER NOT NULL,
    updated_at         INTEGER NOT NULL,
    -- Derived from the messages; `check` compares, `check --repair` recomputes.
    last_seq           INTEGER NOT NULL DEFAULT 0,
    message_count      INTEGER NOT NULL DEFAULT 0,
    preview            TEXT NOT NULL DEFAULT '',
    input_tokens       INTEGER NOT NULL DEFAULT 0,
    output_tokens      INTEGER NOT NULL DEFAULT 0,
    cache_read_tokens  INTEGER NOT NULL DEFAULT 0,
    cache_write_tokens INTEGER NOT NULL DEFAULT 0,
    reasoning_tokens   INTEGER NOT NULL DEFAULT 0,
    cost_nanos         INTEGER,
    models             TEXT,           -- JSON array of names, sorted; NULL for none; the same as conversation_model
    tags               TEXT,           -- JSON array of names, sorted; NULL for none; the same as conversation_tag
    settings           TEXT NOT NULL DEFAULT '{}',
    source_format      TEXT,
    source_scope       TEXT,
    source_id          TEXT,
    source_digest      TEXT,
    overrides          TEXT NOT NULL DEFAULT '[]',
    version            INTEGER NOT NULL DEFAULT 1,
    extra              TEXT NOT NULL DEFAULT '{}',
    UNIQUE (owner, id),
    UNIQUE (owner, pk),
    FOREIGN KEY (owner, project_pk) REFERENCES project (owner, pk)
) STRICT;
CREATE UNIQUE INDEX conversation_source ON conversation (owner, source_id, source_scope, source_format) WHERE source_id IS NOT NULL;
-- Passing over what an import saw before, without decoding it.
CREATE INDEX conversation_digest ON conversation (owner, source_digest) WHERE source_digest IS NOT NULL;
-- The lists: newest first, and by creation; the trash; pinned; per project; per source.
CREATE INDEX conversation_updated ON conversation (owner, updated_at, pk) WHERE trashed_at IS NULL;
CREATE INDEX conversation_created ON conversation (owner, created_at, pk) WHERE trashed_at IS NULL;
CREATE INDEX conversation_trashed ON conversation (owner, trashed_at, pk) WHERE trashed_at IS NOT NULL;
CREATE INDEX conversation_pinned ON conversation (owner, updated_at, pk) WHERE pinned = 1 AND trashed_at IS NULL;
CREATE INDEX conversation_project ON conversation (owner, project_pk, updated_at, pk) WHERE project_pk IS NOT NULL;
CREATE INDEX conversation_format ON conversation (owner, source_format, updated_at, pk) WHERE source_format IS NOT NULL;

-- Finding an agent's session by its resume id.
CREATE INDEX conversation_session ON conversation (owner, session_id) WHERE session_id IS NOT NULL;

CREATE TABLE message (
    pk                 INTEGER PRIMARY KEY AUTOINCREMENT,
    owner              TEXT NOT NULL,
    conversation_pk    INTEGER NOT NULL,
    seq                INTEGER NOT NULL,
    id                 TEXT NOT NULL,
    parent_id          TEXT,
    role               TEXT NOT NULL,
    model              TEXT,
    status             TEXT NOT NULL DEFAULT 'complete',
    hidden             INTEGER NOT NULL DEFAULT 0,
    rating             INTEGER,
    created_at         INTEGER NOT NULL,
    input_tokens       INTEGER,
    output_tokens      INTEGER,
    cache_read_tokens  INTEGER,
    cache_write_tokens INTEGER,
    reasoning_tokens   INTEGER,
    cost_nanos         INTEGER,
    source_format      TEXT,
    source_scope       TEXT,
    source_id          TEXT,
    idempotency_key    TEXT,
    overrides          TEXT,           -- JSON array of fields that were changed here; NULL for none
    body               TEXT NOT NULL,
    UNIQUE (owner, id),
    UNIQUE (owner, conversation_pk, seq),
    FOREIGN KEY (owner, conversation_pk) REFERENCES conversation (owner, pk) ON DELETE CASCADE
) STRICT;
CREATE UNIQUE INDEX message_source ON message (owner, source_id, source_scope, source_format) WHERE source_id IS NOT NULL;
CREATE UNIQUE INDEX message_idempotency ON message (owner, conversation_pk, idempotency_key) WHERE idempotency_key IS NOT NULL;
-- Recovery of streams whose writer died.
CREATE INDEX message_streaming ON message (owner, pk) WHERE status = 'streaming';

-- Which models speak in a conversation: the `model` filter of lists.
CREATE TABLE conversation_model (
    owner           TEXT NOT NULL,
    model           TEXT NOT NULL,
    conversation_pk INTEGER NOT NULL,
    PRIMARY KEY (owner, model, conversation_pk),
    FOREIGN KEY (owner, conversation_pk) REFERENCES conversation (owner, pk) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_model_conversation ON conversation_model (owner, conversation_pk);

CREATE TABLE tag (
    pk         INTEGER PRIMARY KEY AUTOINCREMENT,
    owner      TEXT NOT NULL,
    id         TEXT NOT NULL,
    name       TEXT NOT NULL,
    name_key   TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    UNIQUE (owner, id),
    UNIQUE (owner, pk),
    UNIQUE (owner, name_key)
) STRICT;

CREATE TABLE conversation_tag (
    owner           TEXT NOT NULL,
    tag_pk          INTEGER NOT NULL,
    conversation_pk INTEGER NOT NULL,
    PRIMARY KEY (owner, tag_pk, conversation_pk),
    FOREIGN KEY (owner, tag_pk) REFERENCES tag (owner, pk) ON DELETE CASCADE,
    FOREIGN KEY (owner, conversation_pk) REFERENCES conversation (owner, pk) ON DELETE CASCADE
) STRICT, WITHOUT ROWID;
CREATE INDEX conversation_tag_conversation ON conversation_tag (owner, conversation_pk);

CREATE TABLE attachment (
    pk            INTEGER PRIMARY KEY AUTOINCREMENT,
    owner         TEXT NOT NULL,
    id            TEXT NOT NULL,
    sha256        TEXT,                -- NULL while the bytes were never found
    size_bytes    INTEGER NOT NULL,
    created_at    INTEGER NOT NULL,
    source_format TEXT,
    source_scope  TEXT,
    source_id     TEXT,
    body          TEXT NOT NULL,
    UNIQUE (owner, id),
    UNIQUE (owner, pk)
) STRICT;
CREATE UNIQUE INDEX attachment_source ON attachment (owner, source_id, source_scope, source_format) WHERE source_id IS NOT NULL;
-- Collecting bytes that nobody names, across owners.
CREATE INDEX attachment_sha256 ON attachment (sha256) WHERE sha256 IS NOT NULL;

CREATE TABLE message_attachment (
    owner         TEXT NOT NULL,
    message_pk    INTEGER NOT NULL,
    attachment_pk INTEGER NOT NULL,
    PRIMARY KEY (owner, message_pk, attachment_pk),
    FOREIGN KEY (owner, attachment_pk) REFERENCES attachment (owner, pk)
) STRICT, WITHOUT ROWID;
CREATE INDEX message_attachment_attachment ON message_attachment (owner, attachment_pk);

-- Text of replies that are being streamed; folded into the message when it ends.
CREATE TABLE stream (
    message_pk INTEGER PRIMARY KEY,
    owner      TEXT NOT NULL,
    writer_id  TEXT NOT NULL
) STRICT;
CREATE TABLE stream_chunk (
    message_pk INTEGER NOT NULL,
    n          INTEGER NOT NULL,
    delta      TEXT NOT NULL,
    PRIMARY KEY (message_pk, n)
) STRICT, WITHOUT ROWID;

-- What was purged, as a keyed hash of its source key: imports leave it out.
CREATE TABLE purged (
    owner     TEXT NOT NULL,
    key_hash  BLOB NOT NULL,
    purged_at INTEGER NOT NULL,
    PRIMARY KEY (owner, key_hash)
) STRICT, WITHOUT ROWID;

-- One row per committed effect, in commit order. The nonce tells a copy or a restored store from the original.
CREATE TABLE change (
    seq             INTEGER PRIMARY KEY AUTOINCREMENT,
    nonce           INTEGER NOT NULL DEFAULT (random()),
    owner           TEXT NOT NULL,
    kind            TEXT NOT NULL,     -- conversation, message, project, tag, attachment
    op              TEXT NOT NULL,     -- see ChangeOp in store/changes.py
    pk              INTEGER NOT NULL,
    id              TEXT NOT NULL,
    conversation_pk INTEGER,           -- of a message
    at              INTEGER NOT NULL
) STRICT;
