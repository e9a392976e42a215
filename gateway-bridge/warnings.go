package bridge

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"
)

// A broker of somebody else's may be set so that messages are lost without anybody being
// told. What can be seen of that is said once in the log, and for a day in State.

// warningLife is how long a warning stays after what it is about was last seen.
const warningLife = 24 * time.Hour

// loss is a way in which messages are lost.
type loss string

const (
	lossPublisher loss = "publisher"
	lossGranted   loss = "granted"
	lossSession   loss = "session"
	lossDropped   loss = "dropped"
	lossRetained  loss = "retained"
)

// What is lost, and which setting mends it.
const (
	publisherWords = "messages come with QoS 0: what the broker cannot take or deliver at once is gone, also while the platform is away; " +
		"set qos=1 in [integration.mqtt] of ChirpStack; The Things Stack cannot, give it a webhook as a second way"
	grantedWords = "the broker grants QoS 0 only: it keeps no messages while the platform is away, and what is not committed at a crash is lost; " +
		"allow QoS 1 (mosquitto: max_qos 1 or 2); The Things Stack cannot, give it a webhook as a second way"
	sessionWords = "the broker has forgotten the session: messages of the meantime are lost; let it keep sessions on disk " +
		"(mosquitto: persistence true, autosave_on_changes true, autosave_interval 100, and no or a long persistent_client_expiration)"
	droppedWords  = "the broker drops messages because a queue is full, maybe ours while the platform was away: let its queues grow (mosquitto: max_queued_messages 0, max_queued_bytes 0)"
	retainedWords = "many retained messages come at every connect and are not read: they hold up those that count; " +
		"set retain_events=false in ChirpStack v3, and remove them from the broker"
)

// manyRetained is from when on retained messages of one connection are told of: a few are
// the states of gateways.
const manyRetained = 100

type warning struct {
	text string
	last time.Time
}

// warnings are what is known to be wrong with a broker.
type warnings struct {
	mu  sync.Mutex
	all map[loss]warning
}

// raise keeps a warning, and tells whether it is new.
func (w *warnings) raise(l loss, text string, now time.Time) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.all == nil {
		w.all = map[loss]warning{}
	}
	_, old := w.all[l]
	w.all[l] = warning{text, now}
	return !old
}

func (w *warnings) clear(l loss) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.all, l)
}

// list gives those of the last day.
func (w *warnings) list(now time.Time) []string {
	w.mu.Lock()
	defer w.mu.Unlock()
	var texts []string
	for _, l := range slices.Sorted(maps.Keys(w.all)) {
		if now.Sub(w.all[l].last) < warningLife {
			texts = append(texts, w.all[l].text)
		}
	}
	return texts
}

// warn raises a warning and logs it, the first time only.
func (s *Server) warn(l loss, text string) {
	if s.warnings.raise(l, text, s.now()) {
		s.log.Warn().Str("loss", string(l)).Msg(text)
	}
}

// Sessions remembers across restarts which sessions brokers keep for us. A session is named
// by its broker and client id.
type Sessions interface {
	// BrokerSession gives when a session was last subscribed; zero: never.
	BrokerSession(ctx context.Context, session string) (time.Time, error)
	RememberBrokerSession(ctx context.Context, session string, at time.Time) error
}

// KeepSessions has the server remember its session, so that a broker that has forgotten it
// while the platform was away is noticed. It is called before Run, if at all.
func (s *Server) KeepSessions(in Sessions) { s.sessions = in }

func (s *Server) sessionName() string { return s.cfg.Broker + " " + s.cfg.ClientID }

// lastSubscribed tells when the session was last subscribed by an earlier process; zero:
// never, or nobody knows.
func (s *Server) lastSubscribed(ctx context.Context) time.Time {
	if s.sessions == nil {
		return time.Time{}
	}
	at, err := s.sessions.BrokerSession(ctx, s.sessionName())
	if err != nil {
		s.log.Warn().Err(err).Msg("not known whether the broker should have kept the session")
	}
	return at
}

func (s *Server) rememberSession(ctx context.Context) {
	if s.sessions == nil {
		return
	}
	if err := s.sessions.RememberBrokerSession(ctx, s.sessionName(), s.now()); err != nil {
		s.log.Warn().Err(err).Msg("the session at the broker is not remembered: that it is forgotten would not be noticed")
	}
}

// forgotten notes that the broker has no session where there was one.
func (s *Server) forgotten(last time.Time) {
	s.metrics.sessionsLost.Inc()
	text := sessionWords
	if !last.IsZero() {
		text = fmt.Sprintf("%s; it was last used at %s", sessionWords, last.UTC().Format(time.RFC3339))
	}
	s.warnings.raise(lossSession, text, s.now())
	s.log.Warn().Str("client_id", s.cfg.ClientID).Str("loss", string(lossSession)).Msg(text)
}
