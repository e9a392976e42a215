package joinserver

import (
	"context"
	"crypto/sha256"
	"errors"
	"io"
	"net/http"

	"github.com/go-json-experiment/json"
	"github.com/rs/zerolog"

	"meldefunk/city"
)

// largest is how many bytes a message may have; real ones have 500.
const largest = 16 << 10

// asking is one request on its way to its answer.
type asking struct {
	header
	demand
	peer     *Peer
	message  [sha256.Size]byte // all of it
	receiver city.EUI
	devEUI   city.EUI
	terms    terms // of a join or rejoin
}

// answer takes one request from its header to its answer. A message that can be read is
// always answered with status 200 and a Result; others cannot be.
func (s *Server) answer(w http.ResponseWriter, r *http.Request) {
	begun := s.now()
	peers := s.known(r)
	switch {
	case len(peers) == 0:
		s.complain(r, "", "somebody without the certificate or token of a peer was refused")
		w.Header().Set("WWW-Authenticate", `Bearer realm="meldefunk join server"`)
		s.fail(w, http.StatusUnauthorized, "the client certificate or token is missing, or nobody's who may ask")
		return
	case r.Method != http.MethodPost:
		w.Header().Set("Allow", http.MethodPost)
		s.fail(w, http.StatusMethodNotAllowed, "want POST")
		return
	}
	message, err := io.ReadAll(http.MaxBytesReader(w, r.Body, largest))
	if err != nil {
		if errors.As(err, new(*http.MaxBytesError)) {
			s.fail(w, http.StatusRequestEntityTooLarge, "the message is too large")
			return
		}
		s.fail(w, http.StatusBadRequest, "the body did not come whole")
		return
	}
	h, err := parseHeader(message)
	switch {
	case err != nil:
		s.fail(w, http.StatusBadRequest, err.Error())
		return
	case asker(h.MessageType) == "":
		s.fail(w, http.StatusBadRequest, "MessageType: a join server takes JoinReq, RejoinReq, HomeNSReq and AppSKeyReq")
		return
	}
	// A peer that leaves changes nothing: what it asked for goes on, and is there when it asks
	// again.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), storeBound)
	defer cancel()
	a := &asking{header: h, message: sha256.Sum256(message)}
	granted, err := s.take(ctx, a, peers, message)
	s.write(w, a, granted, err)
	s.metrics.seconds.Observe(s.now().Sub(begun).Seconds())
}

// take finds out who asks for which device, and answers.
func (s *Server) take(ctx context.Context, a *asking, peers []*Peer, message []byte) (body, error) {
	if a.ProtocolVersion != protocol10 && a.ProtocolVersion != protocol11 {
		return body{}, refuse(invalidProtocolVersion, "ProtocolVersion: want 1.0 or 1.1")
	}
	if a.peer = as(peers, asker(a.MessageType), a.SenderID); a.peer == nil {
		return body{}, refuse(unknownSender, "SenderID: who shows this certificate or token may not send %s under it", a.MessageType)
	}
	var receiver hexText
	if receiver.UnmarshalText([]byte(a.ReceiverID)) != nil || len(receiver) != len(a.receiver) {
		return body{}, refuse(unknownReceiver, "ReceiverID: want the JoinEUI, 16 hex digits")
	}
	a.receiver = city.EUI(receiver)
	var err error
	if a.demand, err = parseDemand(message); err != nil {
		return body{}, err
	}
	if a.devEUI, err = a.DevEUI.eui("DevEUI"); err != nil {
		return body{}, err
	}
	switch a.MessageType {
	case homeNSReq:
		return s.homeNS(ctx, a)
	case appSKeyReq:
		return s.appSKey(ctx, a)
	}
	return s.session(ctx, a)
}

// session answers what asks for a session, in turn.
func (s *Server) session(ctx context.Context, a *asking) (granted body, err error) {
	if a.terms, err = a.demand.terms(); err != nil {
		return body{}, err
	}
	end, err := s.turns.take(ctx, a.devEUI)
	if err != nil {
		return body{}, err
	}
	defer end()
	if granted, again := s.repeats.find(a, s.now()); again {
		s.metrics.repeats.Inc()
		return granted, nil
	}
	if a.MessageType == joinReq {
		granted, err = s.join(ctx, a)
	} else {
		granted, err = s.rejoin(ctx, a)
	}
	if err == nil {
		s.repeats.keep(a, granted, s.now())
	}
	return granted, err
}

// write answers a message. What went wrong here is for the log; the peer is told only that
// something did.
func (s *Server) write(w http.ResponseWriter, a *asking, granted body, err error) {
	name := ""
	if a.peer != nil {
		name = a.peer.Name
	}
	level := zerolog.DebugLevel
	var refused *refusal
	switch {
	case err == nil:
	case errors.As(err, &refused):
		level = zerolog.InfoLevel
	default:
		level = zerolog.ErrorLevel
		refused = &refusal{other, "the join server is in trouble: see its log"}
	}
	reply := a.reply(granted, refused)
	s.metrics.requests.WithLabelValues(name, a.MessageType, string(reply.Result.ResultCode)).Inc()
	s.log.WithLevel(level).Err(err).Str("peer", name).Str("type", a.MessageType).Stringer("dev_eui", a.devEUI).
		Str("result", string(reply.Result.ResultCode)).Msg("answered")
	text, err := json.Marshal(reply)
	if err != nil { // cannot be: all of it is texts and numbers
		s.log.Error().Str("type", a.MessageType).Msg("an answer cannot be written as JSON")
		s.fail(w, http.StatusInternalServerError, "the answer cannot be written")
		return
	}
	w.Header().Set("Content-Type", "application/json")
	w.Header().Set("Cache-Control", "no-store")
	_, _ = w.Write(text) // the client may have left; what was granted is kept
}

// fail answers what is no message. Who sent it has to connect anew.
func (s *Server) fail(w http.ResponseWriter, status int, text string) {
	s.metrics.requests.WithLabelValues("", "", http.StatusText(status)).Inc()
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("Connection", "close")
	w.WriteHeader(status)
	_, _ = io.WriteString(w, text+"\n")
}
