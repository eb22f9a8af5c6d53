"""The tenant's tables."""

ONE_ROOT_INDEX = "uniq_workspaces_one_platform_root"
"""The backstop against a second concierge."""

SCHEMA = f"""
CREATE TABLE IF NOT EXISTS workspaces (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    tier INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('provisioning', 'online', 'offline', 'degraded', 'failed', 'removed',
        'paused', 'hibernated', 'hibernating', 'awaiting_agent')),
    kind TEXT NOT NULL DEFAULT 'workspace' CHECK (kind IN ('workspace', 'platform')),
    parent_id TEXT REFERENCES workspaces (id),
    role TEXT NOT NULL DEFAULT '',
    template TEXT NOT NULL DEFAULT '',
    runtime TEXT NOT NULL DEFAULT '',
    url TEXT NOT NULL DEFAULT '',
    delivery_mode TEXT NOT NULL DEFAULT '',
    agent_card TEXT,
    compute TEXT NOT NULL DEFAULT '{{}}',
    active_tasks INTEGER NOT NULL DEFAULT 0,
    max_concurrent_tasks INTEGER NOT NULL DEFAULT 1,
    last_error_rate REAL NOT NULL DEFAULT 0,
    last_sample_error TEXT NOT NULL DEFAULT '',
    uptime_seconds INTEGER NOT NULL DEFAULT 0,
    current_task TEXT NOT NULL DEFAULT '',
    monthly_spend REAL NOT NULL DEFAULT 0,
    budget_limit REAL,
    workspace_dir TEXT NOT NULL DEFAULT '',
    workspace_access TEXT NOT NULL DEFAULT 'none',
    x REAL NOT NULL DEFAULT 0,
    y REAL NOT NULL DEFAULT 0,
    runtime_state TEXT NOT NULL DEFAULT '',
    created_at TEXT NOT NULL,
    removed_at TEXT,
    last_heartbeat_at TEXT,
    last_outbound_at TEXT,
    last_register_failure REAL,
    provisioning_since REAL,
    mcp_unloaded_since REAL,
    loaded_mcp_tools TEXT,
    live_until REAL,
    instance_id TEXT NOT NULL DEFAULT '',
    inbound_secret TEXT NOT NULL DEFAULT '',
    CONSTRAINT workspaces_platform_root_check CHECK (kind <> 'platform' OR parent_id IS NULL)
);
CREATE UNIQUE INDEX IF NOT EXISTS {ONE_ROOT_INDEX}
    ON workspaces (kind) WHERE kind = 'platform' AND status <> 'removed';
CREATE TABLE IF NOT EXISTS workspace_secrets (
    workspace_id TEXT NOT NULL REFERENCES workspaces (id), key TEXT NOT NULL, value TEXT NOT NULL,
    PRIMARY KEY (workspace_id, key)
);
CREATE TABLE IF NOT EXISTS workspace_tokens (
    workspace_id TEXT NOT NULL, kind TEXT NOT NULL CHECK (kind IN ('instance', 'api')), token TEXT NOT NULL,
    revoked INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE IF NOT EXISTS workspace_declared_plugins (
    workspace_id TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, PRIMARY KEY (workspace_id, name)
);
CREATE TABLE IF NOT EXISTS workspace_plugins (
    workspace_id TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, installed_at TEXT NOT NULL,
    PRIMARY KEY (workspace_id, name)
);
CREATE TABLE IF NOT EXISTS a2a_queue (
    queue_id TEXT PRIMARY KEY, workspace_id TEXT NOT NULL, status TEXT NOT NULL CHECK (status IN ('queued',
        'dispatched', 'in_progress', 'completed', 'failed', 'dropped')),
    attempts INTEGER NOT NULL DEFAULT 0, last_error TEXT NOT NULL DEFAULT '', body BLOB NOT NULL, response_body TEXT
);
CREATE TABLE IF NOT EXISTS events (
    number INTEGER PRIMARY KEY, workspace_id TEXT NOT NULL, kind TEXT NOT NULL, data TEXT NOT NULL, at TEXT NOT NULL
);
"""
"""Times that are compared are wall seconds of the machine's monotonic clock (REAL); times that are shown are text."""
