-- Times are Unix nanoseconds, UTC. Hashes and identities are unsigned 64 bit, kept as the
-- signed integer of the same bits. docs/sqlite.md describes every table for operators.

CREATE TABLE mark (
	id      INTEGER PRIMARY KEY CHECK (id = 1),
	frame   INTEGER NOT NULL,
	reading INTEGER NOT NULL,
	ruling  INTEGER NOT NULL DEFAULT 0,
	alive   INTEGER -- when the road was last known to be there
) STRICT;
INSERT INTO mark VALUES (1, 0, 0, 0, NULL);

CREATE TABLE sessions (
	dev_eui    TEXT    NOT NULL,
	epoch      INTEGER NOT NULL,
	token      TEXT    NOT NULL,
	join_ident INTEGER NOT NULL,
	cause      TEXT    NOT NULL,
	opened     INTEGER NOT NULL,
	PRIMARY KEY (dev_eui, epoch)
) STRICT, WITHOUT ROWID;

CREATE TABLE frames (
	id          INTEGER PRIMARY KEY,
	dev_eui     TEXT    NOT NULL,
	epoch       INTEGER NOT NULL,
	fcnt        INTEGER NOT NULL,
	fport       INTEGER NOT NULL,
	payload     BLOB    NOT NULL,
	fate        TEXT    NOT NULL,
	time        INTEGER NOT NULL,
	time_source TEXT    NOT NULL,
	received    INTEGER NOT NULL,
	ident       INTEGER NOT NULL,
	hash        INTEGER NOT NULL,
	server      TEXT    NOT NULL,
	session     TEXT    NOT NULL,
	flags       INTEGER NOT NULL, -- 1 confirmed, 2 simulated, 4 end-to-end encrypted, 8 counter of another frame
	frequency   INTEGER NOT NULL, -- Hz
	gateway     TEXT    NOT NULL, -- the one that heard best
	rssi        INTEGER NOT NULL, -- dBm
	snr         REAL    NOT NULL, -- dB
	sf          INTEGER NOT NULL,
	gateways    INTEGER NOT NULL,
	envelope    TEXT,             -- JSON: the wrapped session key of an encrypted payload
	claim       INTEGER,          -- the event time as it was claimed, where time is another
	heard       TEXT              -- JSON: [gateway, rssi, snr] of each, where there are several
) STRICT;
CREATE UNIQUE INDEX frames_key ON frames (dev_eui, epoch, fcnt);

CREATE TABLE readings (
	id          INTEGER PRIMARY KEY,
	dev_eui     TEXT    NOT NULL,
	asset       TEXT    NOT NULL,
	kind        TEXT    NOT NULL,
	model       TEXT    NOT NULL,
	epoch       INTEGER NOT NULL,
	fcnt        INTEGER NOT NULL,
	time        INTEGER NOT NULL,
	time_source TEXT    NOT NULL,
	received    INTEGER NOT NULL,
	measured    TEXT    NOT NULL, -- JSON object, quantity: number
	faults      TEXT    NOT NULL, -- names, comma separated
	tail        BLOB,
	flags       INTEGER NOT NULL, -- 1 late, 2 simulated, 4 in place of one that said more, 8 counter of another frame
	rssi        INTEGER NOT NULL,
	snr         REAL    NOT NULL,
	sf          INTEGER NOT NULL,
	gateways    INTEGER NOT NULL,
	raw         TEXT, -- JSON object of decoded fields that are no quantity
	former      TEXT, -- JSON array: times under which it was stored before
	gateway     INTEGER -- in gateways: the one that heard best; NULL: its frame knows
) STRICT;
CREATE INDEX readings_asset ON readings (asset, time);

-- Numbers for names that each reading tells.
CREATE TABLE gateways (
	id   INTEGER PRIMARY KEY,
	name TEXT    NOT NULL UNIQUE
) STRICT;

CREATE TABLE asset_states (
	asset      TEXT    NOT NULL, -- '' of a group
	group_name TEXT    NOT NULL, -- '' of an asset
	server     TEXT    NOT NULL,
	reading    INTEGER NOT NULL,
	judged     INTEGER NOT NULL,
	mind       BLOB,             -- what the rules remember
	cases      TEXT    NOT NULL, -- JSON: [{"rule", "ref", "since", "grade"}] of the open ones
	deadline   INTEGER,          -- when time alone may change something
	occupancy  TEXT,             -- JSON
	PRIMARY KEY (asset, group_name)
) STRICT, WITHOUT ROWID;

CREATE TABLE cases (
	ref          TEXT    PRIMARY KEY,
	rule         TEXT    NOT NULL,
	service      TEXT    NOT NULL,
	asset        TEXT    NOT NULL,
	quantity     TEXT    NOT NULL,
	value        REAL    NOT NULL,
	threshold    REAL    NOT NULL,
	since        INTEGER NOT NULL,
	title        TEXT    NOT NULL,
	advice       TEXT    NOT NULL,
	opened       INTEGER NOT NULL,
	closed       INTEGER,
	closed_value REAL,
	closed_since INTEGER,
	group_name   TEXT    NOT NULL DEFAULT '', -- instead of asset
	members      TEXT    NOT NULL DEFAULT '', -- JSON array, of a group
	grade        INTEGER NOT NULL DEFAULT 0,
	released     INTEGER,                     -- when the safety brake let it go
	revoked      INTEGER NOT NULL DEFAULT 0,
	follows      TEXT    NOT NULL DEFAULT ''  -- the case it goes on from
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX cases_open ON cases (rule, asset, group_name) WHERE closed IS NULL;
CREATE INDEX cases_moved ON cases (coalesce(closed, opened));
CREATE INDEX cases_matter ON cases (asset, group_name, rule, opened);
CREATE INDEX cases_service ON cases (service, opened, ref);
CREATE INDEX cases_rule ON cases (rule, opened, ref);

CREATE TABLE tickets (
	ref         TEXT    PRIMARY KEY REFERENCES cases,
	state       TEXT    NOT NULL,
	external_id TEXT    NOT NULL,
	attempts    INTEGER NOT NULL,
	creates     INTEGER NOT NULL,
	sent_at     INTEGER,
	next        INTEGER,
	error       TEXT    NOT NULL,
	updated     INTEGER NOT NULL,

	closed_by     TEXT    NOT NULL DEFAULT '',
	system        TEXT    NOT NULL DEFAULT '', -- '' while nobody has decided
	unit          TEXT    NOT NULL DEFAULT '',
	version       INTEGER NOT NULL DEFAULT 0,
	acknowledged  TEXT    NOT NULL DEFAULT '', -- by whom
	hold          TEXT    NOT NULL DEFAULT '',
	hold_until    INTEGER,
	follows       TEXT    NOT NULL DEFAULT '',
	told          INTEGER NOT NULL DEFAULT 0,  -- cases.grade as it was told
	told_members  TEXT    NOT NULL DEFAULT '', -- cases.members as it was told
	noted         INTEGER,
	escalated     INTEGER,
	remote        TEXT,                        -- JSON, what the ticket system says
	checked       INTEGER NOT NULL DEFAULT 0,  -- 0: never
	missing       INTEGER NOT NULL DEFAULT 0,
	missing_since INTEGER,

	-- What follows from the case, the ticket and its wishes; see due.go.
	opened INTEGER NOT NULL DEFAULT 0, -- cases.opened
	due    INTEGER,                    -- 0: before all others; NULL: never
	live   INTEGER NOT NULL DEFAULT 1  -- 0: nothing will come of it any more
) STRICT, WITHOUT ROWID;
CREATE INDEX tickets_state ON tickets (state, opened, ref);
CREATE INDEX tickets_external ON tickets (external_id) WHERE external_id <> '';
CREATE INDEX tickets_wished ON tickets (system, opened, ref) WHERE due = 0;
CREATE INDEX tickets_due ON tickets (system, opened, ref, due) WHERE due > 0;
CREATE INDEX tickets_unrouted ON tickets (opened, ref) WHERE system = '' AND (due = 0 OR state NOT IN ('held', 'closed', 'cancelled'));
CREATE INDEX tickets_watched ON tickets (system, checked, ref) WHERE external_id <> '' AND state IN ('open', 'acknowledged', 'closing', 'cleared');
CREATE INDEX tickets_unacknowledged ON tickets (system, opened, ref) WHERE state = 'open' AND escalated IS NULL;
CREATE INDEX tickets_opened ON tickets (opened, ref, state, system);
CREATE INDEX tickets_live ON tickets (opened, ref, state, system) WHERE live = 1;

CREATE TABLE ticket_log (
	id    INTEGER PRIMARY KEY,
	ref   TEXT    NOT NULL,
	at    INTEGER NOT NULL,
	state TEXT    NOT NULL,
	note  TEXT    NOT NULL,
	who   TEXT    NOT NULL DEFAULT '' -- '': the platform itself
) STRICT;
CREATE INDEX ticket_log_ref ON ticket_log (ref, id);

-- What people want done with tickets.
CREATE TABLE wishes (
	id      INTEGER PRIMARY KEY,
	ref     TEXT    NOT NULL,
	at      INTEGER NOT NULL,
	who     TEXT    NOT NULL,
	kind    TEXT    NOT NULL,
	reason  TEXT    NOT NULL,
	until   INTEGER,
	number  TEXT    NOT NULL,
	granted INTEGER -- or refused; NULL: not yet
) STRICT;
CREATE INDEX wishes_open ON wishes (ref, id) WHERE granted IS NULL;

-- What no tickets are wanted of. An empty column fits everything.
CREATE TABLE mutes (
	id        INTEGER PRIMARY KEY,
	service   TEXT    NOT NULL,
	asset     TEXT    NOT NULL,
	tour      TEXT    NOT NULL,
	district  TEXT    NOT NULL,
	since     INTEGER NOT NULL,
	until     INTEGER, -- NULL: until it is lifted
	who       TEXT    NOT NULL,
	reason    TEXT    NOT NULL,
	lifted    INTEGER,
	lifted_by TEXT    NOT NULL DEFAULT ''
) STRICT;

-- Until when ticket systems were asked what has changed.
CREATE TABLE ticket_polls (
	system TEXT    PRIMARY KEY,
	polled INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE aside (
	key       INTEGER PRIMARY KEY,
	server    TEXT    NOT NULL,
	topic     TEXT    NOT NULL,
	body      BLOB    NOT NULL,
	reason    TEXT    NOT NULL,
	detail    TEXT    NOT NULL,
	dev_eui   TEXT    NOT NULL, -- '' where the message does not tell
	received  INTEGER NOT NULL,
	last_seen INTEGER NOT NULL,
	count     INTEGER NOT NULL
) STRICT;
CREATE INDEX aside_seen ON aside (last_seen);

CREATE TABLE cursors (
	name     TEXT    PRIMARY KEY,
	position INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE refused (
	sink    TEXT    NOT NULL,
	reading INTEGER NOT NULL,
	reason  TEXT    NOT NULL,
	PRIMARY KEY (sink, reading)
) STRICT, WITHOUT ROWID;

CREATE TABLE device_events (
	dev_eui  TEXT    NOT NULL,
	ident    INTEGER NOT NULL,
	at       INTEGER NOT NULL, -- of the last time it was told
	server   TEXT    NOT NULL,
	kind     TEXT    NOT NULL,
	severity TEXT    NOT NULL,
	code     TEXT    NOT NULL,
	detail   TEXT    NOT NULL,
	count    INTEGER NOT NULL,
	status   TEXT,             -- JSON
	position TEXT,             -- JSON
	PRIMARY KEY (dev_eui, ident)
) STRICT, WITHOUT ROWID;
CREATE INDEX device_events_device ON device_events (dev_eui, at);
CREATE INDEX device_events_at ON device_events (at);

CREATE TABLE device_news (
	dev_eui    TEXT    PRIMARY KEY,
	status     TEXT,             -- JSON, the newest
	status_at  INTEGER NOT NULL, -- 0 while there is none
	position   TEXT,             -- JSON, the newest that a network server resolved
	located_at INTEGER NOT NULL  -- 0 while there is none
) STRICT, WITHOUT ROWID;

-- Sessions that foreign brokers keep for us.
CREATE TABLE broker_sessions (
	name       TEXT    PRIMARY KEY, -- broker and client id
	subscribed INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE spool_lost (
	sink          TEXT    NOT NULL,
	first_reading INTEGER NOT NULL,
	last_reading  INTEGER NOT NULL,
	readings      INTEGER NOT NULL,
	since         INTEGER NOT NULL,
	until         INTEGER NOT NULL,
	PRIMARY KEY (sink, first_reading)
) STRICT, WITHOUT ROWID;

-- What the rules have decided, and why.
CREATE TABLE decisions (
	id         INTEGER PRIMARY KEY,
	case_ref   TEXT    NOT NULL, -- '' where it is about none
	rule       TEXT    NOT NULL,
	version    TEXT    NOT NULL,
	asset      TEXT    NOT NULL, -- '' of a group
	group_name TEXT    NOT NULL,
	at         INTEGER NOT NULL, -- event time
	decided    INTEGER NOT NULL,
	change     TEXT    NOT NULL,
	record     TEXT    NOT NULL  -- JSON
) STRICT;
CREATE INDEX decisions_case ON decisions (case_ref, id) WHERE case_ref <> '';
CREATE INDEX decisions_asset ON decisions (asset, group_name, id);

-- When network servers could not be heard; '' is all of them.
CREATE TABLE deaf (
	server TEXT    NOT NULL,
	since  INTEGER NOT NULL,
	until  INTEGER NOT NULL,
	PRIMARY KEY (server, since)
) STRICT, WITHOUT ROWID;

-- The register: devices, assets and what hung where; see docs/adr/0016.
CREATE TABLE register (
	id       INTEGER PRIMARY KEY CHECK (id = 1),
	revision INTEGER NOT NULL -- rises with each change
) STRICT;
INSERT INTO register VALUES (1, 0);

CREATE TABLE devices (
	dev_eui  TEXT    PRIMARY KEY,
	model    TEXT    NOT NULL,
	asset    TEXT    NOT NULL, -- '' is nowhere
	server   TEXT    NOT NULL,
	firmware TEXT    NOT NULL,
	state    TEXT    NOT NULL,
	join_eui TEXT    NOT NULL,
	serial   TEXT    NOT NULL,
	version  TEXT    NOT NULL,
	region   TEXT    NOT NULL,
	class    TEXT    NOT NULL,
	profile  TEXT    NOT NULL,
	period   INTEGER NOT NULL, -- ns between uplinks, 0: not told
	owner    TEXT    NOT NULL,
	note     TEXT    NOT NULL,
	kek      TEXT    NOT NULL, -- label of the key that wraps the root keys
	nwk_key  BLOB,             -- wrapped
	app_key  BLOB,             -- wrapped
	revision INTEGER NOT NULL,
	changed  INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE assets (
	id        TEXT    PRIMARY KEY,
	kind      TEXT    NOT NULL,
	name      TEXT    NOT NULL,
	address   TEXT    NOT NULL,
	lat       REAL,
	lon       REAL,
	district  TEXT    NOT NULL,
	tour      TEXT    NOT NULL,
	owner     TEXT    NOT NULL,
	species   TEXT    NOT NULL,
	soil_type TEXT    NOT NULL,
	bin       TEXT,             -- JSON
	soil      TEXT,             -- JSON
	level     TEXT,             -- JSON
	offsets   TEXT,             -- JSON object, quantity: number
	sets      TEXT    NOT NULL, -- JSON array: groups that people name
	photos    TEXT    NOT NULL, -- JSON array
	note      TEXT    NOT NULL,
	revision  INTEGER NOT NULL,
	changed   INTEGER NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE bindings (
	dev_eui TEXT    NOT NULL,
	since   INTEGER NOT NULL,
	until   INTEGER, -- NULL: it still hangs there
	asset   TEXT    NOT NULL,
	PRIMARY KEY (dev_eui, since)
) STRICT, WITHOUT ROWID;
CREATE INDEX bindings_asset ON bindings (asset, since);

-- Who changed what of the register.
CREATE TABLE audit (
	id      INTEGER PRIMARY KEY,
	at      INTEGER NOT NULL,
	who     TEXT    NOT NULL,
	reason  TEXT    NOT NULL,
	origin  TEXT    NOT NULL,
	action  TEXT    NOT NULL,
	dev_eui TEXT    NOT NULL, -- '' where it is about an asset
	asset   TEXT    NOT NULL,
	facts   TEXT    NOT NULL  -- JSON: [{"field", "was", "is"}]
) STRICT;
CREATE INDEX audit_device ON audit (dev_eui, id) WHERE dev_eui <> '';
CREATE INDEX audit_asset ON audit (asset, id) WHERE asset <> '';

-- What network servers were told of devices.
CREATE TABLE registrations (
	dev_eui TEXT    NOT NULL,
	server  TEXT    NOT NULL,
	digest  TEXT    NOT NULL, -- '': nothing
	told    INTEGER,
	failure TEXT    NOT NULL, -- '': the last attempt went well
	tried   INTEGER,
	PRIMARY KEY (dev_eui, server)
) STRICT, WITHOUT ROWID;

-- What joins at our own join server have used up.
CREATE TABLE joins (
	dev_eui        TEXT    PRIMARY KEY,
	join_nonce     INTEGER NOT NULL,
	next_dev_nonce INTEGER NOT NULL,
	dev_nonces     BLOB    NOT NULL, -- 2 bytes each, big endian, the newest at the end
	next_rjcount1  INTEGER NOT NULL,
	rejoin         BLOB,
	dev_addr       TEXT    NOT NULL,
	joined         INTEGER
) STRICT, WITHOUT ROWID;

CREATE TABLE session_keys (
	id       INTEGER PRIMARY KEY,
	dev_eui  TEXT    NOT NULL,
	key_id   BLOB    NOT NULL,
	kek      TEXT    NOT NULL, -- label of the key that wraps it
	wrapped  BLOB    NOT NULL,
	dev_addr TEXT    NOT NULL
) STRICT;
CREATE UNIQUE INDEX session_keys_device ON session_keys (dev_eui, key_id);

-- Readings that are deleted and that nothing takes the place of: who copies them looks here.
CREATE TABLE withdrawn (
	id      INTEGER PRIMARY KEY, -- among those of readings
	dev_eui TEXT    NOT NULL,
	time    INTEGER NOT NULL
) STRICT;

-- What people say they did at assets.
CREATE TABLE visits (
	id           INTEGER PRIMARY KEY,
	at           INTEGER NOT NULL,
	asset        TEXT    NOT NULL,
	tour         TEXT    NOT NULL,
	who          TEXT    NOT NULL,
	outcome      TEXT    NOT NULL,
	note         TEXT    NOT NULL,
	withdrawn    INTEGER, -- NULL: it holds
	withdrawn_by TEXT    NOT NULL
) STRICT;
CREATE INDEX visits_asset ON visits (asset, at);
CREATE INDEX visits_tour ON visits (tour, at);
