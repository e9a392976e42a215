package main

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/dashboards/access"
	"meldefunk/dashboards/api"
	"meldefunk/dashboards/board"
	"meldefunk/dashboards/opendata"
	"meldefunk/dashboards/sensorthings"
	"meldefunk/devices/joinserver"
	bridge "meldefunk/gateway-bridge"
	"meldefunk/gateway-bridge/listener"
	"meldefunk/gateway-bridge/webhook"
	"meldefunk/pipeline"
	"meldefunk/storage/influx"
	"meldefunk/storage/sqlite"
	"meldefunk/tickets"
	"meldefunk/tickets/inbox"
)

// app is the whole platform, built and not yet started.
type app struct {
	settings settings
	log      zerolog.Logger
	now      func() time.Time
	registry *prometheus.Registry

	files      *files
	store      *sqlite.Store
	systems    map[string]tickets.System
	inspection *tickets.Inspection
	servers    []*bridge.Server
	webhooks   *webhook.Server    // nil: no network server posts
	listener   *listener.Server   // nil: none publishes to us
	joins      *joinserver.Server // nil: another join server is asked, or none
	mqtt       net.Listener       // already open; nil: the address of the settings is opened
	road       *pipeline.Road
	ticks      time.Duration  // of the world's clock between the road's ticks
	writer     *influx.Writer // nil: no InfluxDB
	reconciler *tickets.Reconciler
	inbox      *inbox.Server // nil: no ticket system tells by itself
	board      *board.Board
	hub        *api.Hub       // tells viewers what is new
	access     *access.Access // nil: nobody has to log in
	desk       *storeDesk     // what people want done with tickets
}

// These are the places where parts that do not know each other meet.
var (
	_ pipeline.Store         = (*sqlite.Store)(nil)
	_ pipeline.Decoder       = (*files)(nil)
	_ pipeline.Inventory     = (*files)(nil)
	_ pipeline.Judge         = (*files)(nil)
	_ pipeline.Keys          = (*files)(nil)
	_ pipeline.Frames        = (*files)(nil)
	_ tickets.Store          = (*sqlite.Store)(nil)
	_ tickets.Assets         = (*files)(nil)
	_ tickets.Router         = (*files)(nil)
	_ tickets.Road           = (*app)(nil)
	_ influx.Source          = (*sqlite.Store)(nil)
	_ board.Store            = (*sqlite.Store)(nil)
	_ bridge.Sessions        = (*sqlite.Store)(nil)
	_ board.Inventory        = (*files)(nil)
	_ board.Rules            = (*boardRules)(nil)
	_ board.Decisions        = (*boardRules)(nil)
	_ board.Tours            = (*sqlite.Store)(nil)
	_ board.Access           = (*access.Access)(nil)
	_ api.Store              = (*sqlite.Store)(nil)
	_ api.Inventory          = (*files)(nil)
	_ api.Rules              = (*boardRules)(nil)
	_ sensorthings.Source    = (*sqlite.Store)(nil)
	_ sensorthings.Inventory = (*files)(nil)
	_ opendata.Store         = (*sqlite.Store)(nil)
	_ opendata.Inventory     = (*files)(nil)
	_ desk                   = (*storeDesk)(nil)
	_ desk                   = (*controlClient)(nil)
)

// build makes everything and starts nothing: no connection, no goroutine, no file written.
// Without a store it is good for checking only.
func build(s settings, f *files, store *sqlite.Store, now func() time.Time, notice string, log zerolog.Logger, registry *prometheus.Registry) (*app, error) {
	a := &app{settings: s, ticks: s.Road.Tick, log: log, now: now, registry: registry, files: f, store: store}
	a.registry.MustRegister(collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	var errs []error
	keep := func(err error) { errs = append(errs, err) }
	var err error

	a.systems, err = tickets.Open(s.Tickets, tickets.Parts{
		Linked: func(ctx context.Context, system, id string) (string, bool, error) { // a check has no store
			return store.Linked(ctx, system, id)
		},
		Orders: func(ctx context.Context, system string) ([]city.Order, error) {
			return a.reconciler.Orders(ctx, system)
		},
		Codes: f.Codes, Now: now, Log: log,
	})
	keep(err)
	if err == nil {
		a.inspection = tickets.NewInspection(a.systems, log, a.registry)
		a.reconciler, err = tickets.New(s.Tickets, tickets.Tools{
			Store: store, Systems: a.systems, Router: f, Assets: f, Road: a, Now: now,
		}, log, a.registry)
		keep(err)
		a.inbox, err = inbox.New(s.Tickets.Inbox, func(ctx context.Context, system string, told city.Remote) error {
			return a.reconciler.Push(ctx, system, told)
		}, now, log, a.registry)
		keep(err)
	}
	if s.InfluxDB.URL != "" {
		a.writer, err = influx.New(s.InfluxDB, store, now, log, a.registry)
		keep(err)
	}
	a.road = pipeline.New(s.Road, pipeline.Parts{
		Inventory: f, Keys: f, Frames: f, Decoder: f, Judge: f, Store: store, Hearing: a, Follow: a.follow, Ref: newRef, Now: now,
	}, log.With().Str("component", "road").Logger(), a.registry)
	for _, c := range s.NetworkServers {
		if !c.OwnSession() {
			continue
		}
		server, err := bridge.New(c.Config, a.road.Offer, now, log, a.registry)
		keep(err)
		if err == nil && store != nil {
			server.KeepSessions(store)
		}
		a.servers = append(a.servers, server)
	}
	a.webhooks, err = bridge.NewWebhooks(s.Webhooks, s.bridges(), a.road.Offer, now, log, a.registry)
	keep(err)
	s.MQTTListener.SessionsFile = filepath.Join(s.Data, "mqtt-sessions.json")
	a.listener, err = bridge.NewListener(s.MQTTListener, s.bridges(), a.road.Offer, now, log, a.registry)
	keep(err)
	a.joins, err = a.newJoinServer()
	keep(err)
	location, err := time.LoadLocation(s.TimeZone)
	keep(err)
	ruled := &boardRules{files: f, store: store, zone: location, now: now}
	a.desk = &storeDesk{store, func() { a.reconciler.Wake() }, func(ctx context.Context) (int, error) { return a.reconciler.AskAll(ctx) }}
	page := board.Options{
		Config: s.Board, Store: store, Inventory: f, Rules: ruled, Decisions: ruled, Desk: a.desk, Tours: store, Link: s.Tickets.Link,
		Now: now, Location: location, Ready: a.ready,
		Metrics: promhttp.HandlerFor(a.registry, promhttp.HandlerOpts{}), Log: log, Notice: notice,
	}
	page.Retention = []board.Retention{{What: "Rohe Nachrichten", Keep: s.Retention.Frames}, {What: "Messungen", Keep: s.Retention.Readings}, {What: "Zurückgestellte Nachrichten", Keep: s.Retention.SetAside},
		{What: "Ereignisse an Geräten", Keep: s.Retention.Events}, {What: "Entscheidungen der Regeln", Keep: s.Retention.Decisions}}
	if store != nil && location != nil {
		page.Registrar = &boardRegister{Store: store, files: f, keeper: a, zone: location, now: now}
	}
	if s.Access.Wanted() {
		if store != nil { // a check leaves the data folder alone
			s.Access.UseFile = filepath.Join(s.Data, tokenUseFile)
		}
		a.access, err = access.New(s.Access, now, log, a.registry)
		if page.Access = a.access; err != nil { // the board is checked all the same
			keep(fmt.Errorf("access: %w", err))
		}
	}
	page.Mounts, err = a.mounts(ruled)
	keep(err)
	a.board, err = board.New(page)
	keep(err)
	return a, errors.Join(errs...)
}

// Renew lets a case that people have closed and that lasts go on as another one.
func (a *app) Renew(ctx context.Context, ref string) error { return a.road.Renew(ctx, ref) }

// Release lets the ticket of a case go that the safety brake holds.
func (a *app) Release(ctx context.Context, ref string) error { return a.road.Release(ctx, ref) }

// follow tells those who live on commits that there was one.
func (a *app) follow(c *city.Commit) {
	if a.writer != nil && len(c.Readings) > 0 {
		a.writer.Wake()
	}
	if len(c.Cases)+len(c.Updates)+len(c.Released) > 0 {
		a.reconciler.Wake()
	}
	a.hub.Tell(c)
}

// run serves until ctx ends, then stops in an order that loses nothing: network servers
// and the other parts given first, then the road, which finishes and acknowledges what was
// taken, then those who follow it.
func (a *app) run(ctx context.Context, others ...part) error {
	page, err := net.Listen("tcp", a.settings.Board.Listen)
	if err != nil {
		return fmt.Errorf("board: %w: is another meldefunk running? Choose another address with board.listen", err)
	}
	intake := append([]part{{"ticks", a.tick}}, others...)
	for _, s := range a.servers {
		intake = append(intake, part{"network server", s.Run})
	}
	for _, open := range []func() (part, error){a.listenForPosts, a.listenForMQTT, a.listenForJoins, a.listenForTickets} {
		p, err := open()
		if err != nil {
			return errors.Join(err, page.Close())
		}
		if p.run != nil {
			intake = append(intake, p)
		}
	}
	control := a.openControl()
	a.log.Info().Str("board", a.boardScheme()+page.Addr().String()).Int("assets", len(a.files.Assets())).
		Int("network_servers", len(a.settings.NetworkServers)).Str("version", version).Msg("started")

	followers := []part{
		{"tickets", a.reconciler.Run},
		{"ticket systems", a.inspection.Run},
		{"board", func(ctx context.Context) error { return a.board.Serve(ctx, page) }},
		{"live", a.hub.Run},
		{"retention", a.prune},
	}
	followers = append(followers, control...)
	if a.access != nil {
		followers = append(followers, part{"access", a.access.Run})
	}
	if a.writer != nil {
		followers = append(followers, part{"influxdb", a.writer.Run},
			part{"places in influxdb", func(ctx context.Context) error { return a.writer.RunPlaces(ctx, a.files.Assets) }})
	}
	for name, system := range a.systems {
		if s, ok := system.(interface{ Run(context.Context) error }); ok {
			followers = append(followers, part{"ticket system " + name, s.Run})
		}
	}
	if a.files.sandbox != nil { // the road needs it to the end
		followers = append(followers, part{"codecs", a.files.sandbox.Run})
	}
	return runStages(ctx, a.log, intake, []part{{"road", a.road.Run}}, followers)
}

// boardScheme is how the board's address begins.
func (a *app) boardScheme() string {
	if a.settings.Board.TLS.CertFile != "" {
		return "https://"
	}
	return "http://"
}

// ready answers /readyz. Not ready means that uplinks do not become readings. InfluxDB and
// the ticket system only catch up later when they are away, so they are told of and do
// not count.
func (a *app) ready() []board.Check {
	ctx, cancel := context.WithTimeout(context.Background(), 2*time.Second)
	defer cancel()
	store := board.Check{Name: "store", OK: true}
	if err := a.store.Ping(ctx); err != nil {
		store.OK, store.Reason = false, err.Error()
	}
	checks := []board.Check{store, {Name: "road", OK: a.road.Trouble() == "", Reason: a.road.Trouble()}}
	for _, s := range a.servers {
		state := s.State()
		checks = append(checks, board.Check{Name: "network server " + s.Name(), OK: state.Ready(), Reason: reasonOf(state)})
	}
	if a.webhooks != nil {
		checks = append(checks, a.readyForPosts())
	}
	if a.listener != nil {
		checks = append(checks, a.readyForMQTT()...)
	}
	if a.joins != nil {
		checks = append(checks, a.readyForJoins())
	}
	if a.writer != nil {
		c := board.Check{Name: "influxdb", OK: true}
		state := a.writer.State()
		if state.Error != "" {
			c.Reason = fmt.Sprintf("away since %s, %d readings behind: %s", state.Since.Format(time.RFC3339), state.Behind, state.Error)
		}
		if state.Spool >= 0.5 || state.Lost > 0 {
			c.Reason = strings.TrimSpace(fmt.Sprintf("%s spool %.0f %% full, %d readings given up", c.Reason, 100*state.Spool, state.Lost))
		}
		checks = append(checks, c)
	}
	trouble := a.inspection.Trouble()
	for _, o := range a.reconciler.Outages() {
		trouble = append(trouble, fmt.Sprintf("%s away since %s: %s", o.System, o.Since.Format(time.RFC3339), o.Why))
	}
	return append(checks, board.Check{Name: "tickets", OK: true, Reason: strings.Join(trouble, "; ")})
}

// reasonOf says what is wrong with a session, and what loses messages although it is up.
func reasonOf(s bridge.State) string {
	reasons := s.Warnings
	if s.LastError != "" {
		reasons = append([]string{s.LastError}, reasons...)
	}
	return strings.Join(reasons, "; ")
}

// pruneEvery is how often old frames and set-aside messages are looked for.
const pruneEvery = time.Hour

// keepDeaf is how long it is known when nobody could be heard: longer than any silence that
// a rule asks for matters.
const keepDeaf = 400 * 24 * time.Hour

// prune deletes what is older than its retention.
func (a *app) prune(ctx context.Context) error {
	ticker := time.NewTicker(pruneEvery)
	defer ticker.Stop()
	for {
		p, err := a.store.Prune(ctx, a.outdated())
		switch {
		case ctx.Err() != nil:
			return nil
		case err != nil:
			a.log.Error().Err(err).Msg("old data was not deleted; trying again later")
		case p.Frames+p.Readings+p.Aside+p.Events+p.Decisions+p.Bytes > 0:
			a.log.Info().Int64("frames", p.Frames).Int64("readings", p.Readings).Int64("set_aside", p.Aside).Int64("events", p.Events).
				Int64("decisions", p.Decisions).Int64("bytes_given_back", p.Bytes).Dur("longest_step_ms", p.Longest).Dur("longest_wait_ms", p.Delayed).Msg("deleted old data")
		}
		select {
		case <-ctx.Done():
			return nil
		case <-ticker.C:
		}
	}
}

// outdated says what may go now. Readings wait for InfluxDB.
func (a *app) outdated() sqlite.Outdated {
	now, keep := a.now(), a.settings.Retention
	old := sqlite.Outdated{Frames: now.Add(-keep.Frames), Aside: now.Add(-keep.SetAside), Events: now.Add(-keep.Events),
		Decisions: now.Add(-keep.Decisions), Deaf: now.Add(-keepDeaf)}
	if keep.Readings > 0 {
		old.Readings = now.Add(-keep.Readings)
	}
	if a.writer != nil {
		old.Followers = []string{a.writer.Name()}
	}
	return old
}
