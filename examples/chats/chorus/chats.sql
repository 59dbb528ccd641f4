-- An invented Chorus database, as SQL: `scripts/demo.py` makes chats.db of it. Tables as schema version 138 has them,
-- without those that this sample leaves empty.
CREATE TABLE _sqlx_migrations (
    version BIGINT PRIMARY KEY, description TEXT NOT NULL, installed_on TIMESTAMP NOT NULL,
    success BOOLEAN NOT NULL, checksum BLOB NOT NULL, execution_time BIGINT NOT NULL
);
CREATE TABLE projects (
    id TEXT PRIMARY KEY, name TEXT NOT NULL, created_at DATETIME NOT NULL, updated_at DATETIME NOT NULL,
    is_collapsed BOOLEAN NOT NULL DEFAULT 0, context_text TEXT, magic_projects_enabled BOOLEAN NOT NULL DEFAULT 1,
    is_imported BOOLEAN NOT NULL DEFAULT 0, total_cost_usd REAL DEFAULT 0.0
);
CREATE TABLE models (
    id TEXT PRIMARY KEY, display_name TEXT NOT NULL, is_enabled BOOLEAN DEFAULT 1,
    supported_attachment_types TEXT NOT NULL
);
CREATE TABLE model_configs (
    id TEXT PRIMARY KEY, model_id TEXT NOT NULL REFERENCES models (id), display_name TEXT NOT NULL, author TEXT NOT NULL,
    created_at DATETIME, system_prompt TEXT NOT NULL, is_default BOOLEAN DEFAULT 0, budget_tokens INTEGER,
    reasoning_effort TEXT, new_until DATETIME
);
CREATE TABLE chats (
    id TEXT PRIMARY KEY, title TEXT, created_at DATETIME, updated_at DATETIME, pinned BOOLEAN NOT NULL DEFAULT 0,
    quick_chat BOOLEAN NOT NULL DEFAULT 0, project_id TEXT NOT NULL DEFAULT 'default', summary TEXT,
    is_new_chat BOOLEAN NOT NULL DEFAULT 0, parent_chat_id TEXT, project_context_summary TEXT,
    project_context_summary_is_stale BOOLEAN NOT NULL DEFAULT 1, reply_to_id TEXT,
    gc_prototype_chat BOOLEAN NOT NULL DEFAULT 0, total_cost_usd REAL DEFAULT 0.0
);
CREATE TABLE message_sets (
    id TEXT PRIMARY KEY, chat_id TEXT NOT NULL REFERENCES chats (id), deprecated_parent_id TEXT, type TEXT NOT NULL,
    created_at DATETIME, selected_block_type TEXT NOT NULL DEFAULT 'chat', level INTEGER
);
CREATE TABLE messages (
    id TEXT PRIMARY KEY, message_set_id TEXT NOT NULL REFERENCES message_sets (id),
    chat_id TEXT NOT NULL REFERENCES chats (id), text TEXT NOT NULL, model TEXT NOT NULL, selected BOOLEAN,
    created_at DATETIME, streaming_token TEXT, state TEXT DEFAULT 'idle', error_message TEXT, is_review BOOLEAN DEFAULT 0,
    review_state TEXT, block_type TEXT, level INTEGER, dep_attachments_archive TEXT, reply_chat_id TEXT,
    branched_from_id TEXT, prompt_tokens INTEGER, completion_tokens INTEGER, total_tokens INTEGER, cost_usd REAL
);
CREATE TABLE message_parts (
    chat_id TEXT NOT NULL, message_id TEXT NOT NULL, level INTEGER NOT NULL, content TEXT NOT NULL, tool_calls TEXT,
    tool_results TEXT, PRIMARY KEY (message_id, level)
);
CREATE TABLE message_drafts (chat_id TEXT PRIMARY KEY, content TEXT NOT NULL);
CREATE TABLE attachments (
    id TEXT PRIMARY KEY, created_at DATETIME NOT NULL, type TEXT NOT NULL, is_loading BOOLEAN NOT NULL DEFAULT 0,
    original_name TEXT, path TEXT NOT NULL, ephemeral BOOLEAN NOT NULL DEFAULT 0
);
CREATE TABLE message_attachments (message_id TEXT, attachment_id TEXT, PRIMARY KEY (message_id, attachment_id));

INSERT INTO _sqlx_migrations VALUES (138, 'latest', '2026-01-05 09:00:00', 1, x'00', 1);
INSERT INTO projects (id, name, created_at, updated_at, total_cost_usd) VALUES
    ('default', 'Default', '2025-11-20 08:00:00', '2025-11-20 08:00:00', 0.0),
    ('quick-chat', 'Ambient Chat', '2025-11-20 08:00:00', '2025-11-20 08:00:00', 0.0),
    ('b4ce51d5e7f04a1d9a1b000000000001', 'Bakery', '2026-01-05 09:10:00', '2026-01-05 09:30:00', 0.0143);
INSERT INTO models VALUES
    ('anthropic::claude-sonnet-4-5', 'Claude Sonnet 4.5', 1, '["text","image"]'),
    ('openai::gpt-5', 'GPT-5', 1, '["text","image"]'),
    ('google::gemini-2.5-pro', 'Gemini 2.5 Pro', 1, '["text","image"]');
INSERT INTO model_configs (id, model_id, display_name, author, created_at, system_prompt, is_default) VALUES
    ('anthropic::claude-sonnet-4-5', 'anthropic::claude-sonnet-4-5', 'Claude Sonnet 4.5', 'system', '2025-11-20 08:00:00', '', 1),
    ('openai::gpt-5', 'openai::gpt-5', 'GPT-5', 'system', '2025-11-20 08:00:00', '', 1),
    ('google::gemini-2.5-pro', 'google::gemini-2.5-pro', 'Gemini 2.5 Pro', 'system', '2025-11-20 08:00:00', '', 1);
INSERT INTO chats (id, title, created_at, updated_at, project_id, total_cost_usd) VALUES
    ('c4a7000000000000000000000000ba01', 'A name for the bakery', '2026-01-05 09:12:00', '2026-01-05 09:30:00',
     'b4ce51d5e7f04a1d9a1b000000000001', 0.0143);
INSERT INTO message_sets (id, chat_id, type, created_at, selected_block_type, level) VALUES
    ('5e700000-0000-4000-8000-000000000001', 'c4a7000000000000000000000000ba01', 'user', '2026-01-05 09:12:00', 'user', 0),
    ('5e700000-0000-4000-8000-000000000002', 'c4a7000000000000000000000000ba01', 'ai', '2026-01-05 09:12:01', 'tools', 1),
    ('5e700000-0000-4000-8000-000000000003', 'c4a7000000000000000000000000ba01', 'user', '2026-01-05 09:29:00', 'user', 2),
    ('5e700000-0000-4000-8000-000000000004', 'c4a7000000000000000000000000ba01', 'ai', '2026-01-05 09:29:01', 'tools', 3);
INSERT INTO messages (id, message_set_id, chat_id, text, model, selected, created_at, block_type, level, prompt_tokens,
    completion_tokens, total_tokens, cost_usd) VALUES
    ('3e550000-0000-4000-8000-000000000001', '5e700000-0000-4000-8000-000000000001', 'c4a7000000000000000000000000ba01',
     'Sourdough, a wood oven, a corner by the tram stop. Give me one name each, and say why.', 'user', 1,
     '2026-01-05 09:12:00', 'user', 0, NULL, NULL, NULL, NULL),
    ('3e550000-0000-4000-8000-000000000002', '5e700000-0000-4000-8000-000000000002', 'c4a7000000000000000000000000ba01',
     '', 'anthropic::claude-sonnet-4-5', 1, '2026-01-05 09:12:04', 'tools', 0, 42, 58, 100, 0.0041),
    ('3e550000-0000-4000-8000-000000000003', '5e700000-0000-4000-8000-000000000002', 'c4a7000000000000000000000000ba01',
     '', 'openai::gpt-5', 0, '2026-01-05 09:12:05', 'tools', 1, 42, 61, 103, 0.0052),
    ('3e550000-0000-4000-8000-000000000004', '5e700000-0000-4000-8000-000000000002', 'c4a7000000000000000000000000ba01',
     '', 'google::gemini-2.5-pro', 0, '2026-01-05 09:12:06', 'tools', 2, 42, 49, 91, 0.0031),
    ('3e550000-0000-4000-8000-000000000005', '5e700000-0000-4000-8000-000000000003', 'c4a7000000000000000000000000ba01',
     'The first. Is it free as a web address?', 'user', 1, '2026-01-05 09:29:00', 'user', 0, NULL, NULL, NULL, NULL),
    ('3e550000-0000-4000-8000-000000000006', '5e700000-0000-4000-8000-000000000004', 'c4a7000000000000000000000000ba01',
     '', 'anthropic::claude-sonnet-4-5', 1, '2026-01-05 09:29:07', 'tools', 0, 130, 44, 174, 0.0019);
INSERT INTO message_parts VALUES
    ('c4a7000000000000000000000000ba01', '3e550000-0000-4000-8000-000000000002', 0,
     '**Last Stop.** People get off the tram for it, and a good loaf needs no second address.', NULL, NULL),
    ('c4a7000000000000000000000000ba01', '3e550000-0000-4000-8000-000000000003', 0,
     '**Ember & Crumb.** The oven comes first, then what it leaves on the table.', NULL, NULL),
    ('c4a7000000000000000000000000ba01', '3e550000-0000-4000-8000-000000000004', 0,
     '**Corner Oven.** It says where, and it says how.', NULL, NULL),
    ('c4a7000000000000000000000000ba01', '3e550000-0000-4000-8000-000000000006', 0, 'Let me look.',
     '[{"id":"call_1","namespacedToolName":"web_search","args":{"query":"laststop bakery domain"}}]', NULL),
    ('c4a7000000000000000000000000ba01', '3e550000-0000-4000-8000-000000000006', 1, '', '[]',
     '[{"id":"call_1","content":"laststop.example is taken; laststop-bakery.example is free"}]'),
    ('c4a7000000000000000000000000ba01', '3e550000-0000-4000-8000-000000000006', 2,
     'The short one is taken, `laststop-bakery.example` is free. I would take it: nobody types bakery names, they search.',
     NULL, NULL);
