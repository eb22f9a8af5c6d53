"""The control plane's tables."""

SCHEMA = """
CREATE TABLE orgs (
    number INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    slug TEXT NOT NULL UNIQUE,
    name TEXT NOT NULL,
    owner_user_id TEXT NOT NULL,
    plan TEXT NOT NULL DEFAULT 'free',
    created_at TEXT NOT NULL,
    admin_token TEXT NOT NULL,
    instance_status TEXT,
    last_error TEXT NOT NULL DEFAULT '',
    purging INTEGER NOT NULL DEFAULT 0,
    instance_id TEXT NOT NULL DEFAULT '',
    tenant_url TEXT NOT NULL DEFAULT ''
);
CREATE TABLE workspace_instances (
    workspace_id TEXT NOT NULL, org_id TEXT NOT NULL, instance_id TEXT NOT NULL PRIMARY KEY
);
CREATE TABLE runtime_image_pins (
    template TEXT PRIMARY KEY, digest TEXT NOT NULL, promoted_by TEXT NOT NULL, promoted_at TEXT NOT NULL
);
CREATE TABLE boot_events (
    number INTEGER PRIMARY KEY, org_id TEXT NOT NULL, stage TEXT NOT NULL, message TEXT NOT NULL, at TEXT NOT NULL
);
CREATE TABLE org_purges (
    number INTEGER PRIMARY KEY, id TEXT NOT NULL, org_id TEXT NOT NULL, slug TEXT NOT NULL, last_step TEXT NOT NULL,
    completed_at TEXT NOT NULL
);
"""
