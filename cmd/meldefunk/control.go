package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	stdlog "log"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"meldefunk/city"
	"meldefunk/city/register"
)

// controlFile is the name of the control socket in the data folder. Who may write there
// belongs to the platform: the folder and the socket are its owner's alone.
const controlFile = "control.sock"

// longestSocket is the longest path of a socket, in bytes: unix(7) has room for 108, the last
// of them 0.
const longestSocket = 107

// maxControl bounds a request, in bytes.
const maxControl = 16 << 10

// Limits of the control server.
const (
	controlRead = 10 * time.Second
	controlStop = 5 * time.Second
)

// wishRequest is the body of POST /v1/tickets/{ref}/wishes.
type wishRequest struct {
	Kind   city.WishKind `json:"kind"`
	By     string        `json:"by"`
	Reason string        `json:"reason,omitempty"`
	Until  time.Time     `json:"until,omitzero"`
	Number string        `json:"number,omitempty"`
}

// muteRequest is the body of POST /v1/mutes.
type muteRequest struct {
	Service  string    `json:"service,omitempty"`
	Asset    string    `json:"asset,omitempty"`
	Tour     string    `json:"tour,omitempty"`
	District string    `json:"district,omitempty"`
	Until    time.Time `json:"until"`
	By       string    `json:"by"`
	Reason   string    `json:"reason"`
}

// unmuteRequest is the body of DELETE /v1/mutes/{id}.
type unmuteRequest struct {
	By string `json:"by"`
}

// controlAnswer is what a request is answered with.
type controlAnswer struct {
	ID    int64  `json:"id,omitempty"`    // of what was kept
	Asked int    `json:"asked,omitempty"` // tickets that are asked for
	Error string `json:"error,omitempty"`
}

// control serves the platform's own command line by a socket in the data folder.
type control struct {
	desk     desk
	register registrar
	now      func() time.Time
}

func (c *control) handler() http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /v1/tickets/{ref}/wishes", c.wish)
	mux.HandleFunc("POST /v1/mutes", c.mute)
	mux.HandleFunc("DELETE /v1/mutes/{id}", c.unmute)
	mux.HandleFunc("POST /v1/reconcile", c.reconcile)
	mux.HandleFunc("POST /v1/register/changes", c.changeRegister)
	mux.HandleFunc("POST /v1/register/registrations", c.putRegistrations)
	mux.HandleFunc("POST /v1/register/sessionkeys", c.rewrapSessionKeys)
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		controlSay(w, http.StatusNotFound, controlAnswer{Error: "there is no " + r.Method + " " + r.URL.Path})
	})
	return mux
}

func (c *control) wish(w http.ResponseWriter, r *http.Request) {
	var in wishRequest
	if !controlBody(w, r, &in, maxControl) {
		return
	}
	wish := city.Wish{Ref: r.PathValue("ref"), At: c.now(), By: in.By, Kind: in.Kind, Reason: in.Reason, Until: in.Until, Number: in.Number}
	if err := checkWish(&wish); err != nil {
		controlSay(w, http.StatusBadRequest, controlAnswer{Error: err.Error()})
		return
	}
	id, err := c.desk.Wish(r.Context(), wish)
	controlDone(w, id, err)
}

func (c *control) mute(w http.ResponseWriter, r *http.Request) {
	var in muteRequest
	if !controlBody(w, r, &in, maxControl) {
		return
	}
	m := city.Mute{Service: in.Service, Asset: in.Asset, Tour: in.Tour, District: in.District, Since: c.now(), Until: in.Until, By: in.By, Reason: in.Reason}
	if err := checkMute(&m); err != nil {
		controlSay(w, http.StatusBadRequest, controlAnswer{Error: err.Error()})
		return
	}
	id, err := c.desk.Mute(r.Context(), m)
	controlDone(w, id, err)
}

func (c *control) unmute(w http.ResponseWriter, r *http.Request) {
	var in unmuteRequest
	if !controlBody(w, r, &in, maxControl) {
		return
	}
	id, err := strconv.ParseInt(r.PathValue("id"), 10, 64)
	if err = errors.Join(err, checkLine("by", in.By, longestName, true)); err != nil {
		controlSay(w, http.StatusBadRequest, controlAnswer{Error: err.Error()})
		return
	}
	controlDone(w, id, c.desk.Unmute(r.Context(), id, in.By, c.now()))
}

func (c *control) reconcile(w http.ResponseWriter, r *http.Request) {
	asked, err := c.desk.Reconcile(r.Context())
	if err != nil {
		controlDone(w, 0, err)
		return
	}
	controlSay(w, http.StatusOK, controlAnswer{Asked: asked})
}

// controlBody reads a body of at most that many bytes strictly, and answers where it is none; false: it was answered.
func controlBody(w http.ResponseWriter, r *http.Request, into any, most int64) bool {
	dec := json.NewDecoder(http.MaxBytesReader(w, r.Body, most))
	dec.DisallowUnknownFields()
	err := dec.Decode(into)
	if err == nil {
		if _, more := dec.Token(); !errors.Is(more, io.EOF) {
			err = errors.New("there is more behind the first JSON value")
		}
	}
	if err != nil {
		controlSay(w, http.StatusBadRequest, controlAnswer{Error: "the body is not as it should be: " + err.Error()})
	}
	return err == nil
}

// controlDone answers what the desk has said.
func controlDone(w http.ResponseWriter, id int64, err error) {
	switch {
	case err == nil:
		controlSay(w, http.StatusOK, controlAnswer{ID: id})
	case errors.Is(err, city.ErrNoCase), errors.Is(err, city.ErrNoMute):
		controlSay(w, http.StatusNotFound, controlAnswer{Error: err.Error()})
	case errors.Is(err, register.ErrChanged):
		controlSay(w, http.StatusConflict, controlAnswer{Error: err.Error()})
	case errors.As(err, new(contradiction)):
		controlSay(w, http.StatusUnprocessableEntity, controlAnswer{Error: err.Error()})
	default:
		controlSay(w, http.StatusServiceUnavailable, controlAnswer{Error: err.Error()})
	}
}

func controlSay(w http.ResponseWriter, status int, a controlAnswer) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(a) // who asked may have left
}

// openControl makes the control socket. Without it the platform works all the same, and only
// its command line cannot reach it; so what is wrong with it is a warning, and there is no part.
func (a *app) openControl() []part {
	log := a.log.With().Str("component", "control").Logger()
	ln, err := listenControl(a.settings.Data)
	if err != nil {
		log.Warn().Err(err).Msg("no control socket: meldefunk ticket can only read while the platform runs")
		return nil
	}
	return []part{{"control socket", func(ctx context.Context) error { return a.answerControl(ctx, ln, log) }}}
}

// answerControl answers on ln until ctx ends, then finishes what is under way.
func (a *app) answerControl(ctx context.Context, ln net.Listener, log zerolog.Logger) error {
	c := &control{desk: a.desk, register: a, now: a.now}
	srv := &http.Server{Handler: c.handler(), ReadTimeout: controlRead, WriteTimeout: controlRead, IdleTimeout: controlRead,
		MaxHeaderBytes: maxControl, ErrorLog: stdlog.New(log, "", 0)}
	served := make(chan error, 1)
	go func() { served <- srv.Serve(ln) }()
	select {
	case err := <-served:
		return fmt.Errorf("serve the control socket: %w", err)
	case <-ctx.Done():
	}
	stop, cancel := context.WithTimeout(context.WithoutCancel(ctx), controlStop)
	defer cancel()
	if err := srv.Shutdown(stop); err != nil {
		_ = srv.Close() // who is still asking is cut off
	}
	if err := <-served; !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve the control socket: %w", err)
	}
	return nil
}

// controlPath is where the control socket of a data folder is.
func controlPath(data string) string { return filepath.Join(data, controlFile) }

// listenControl makes the socket. The folder is locked by this process, so one that is there
// already was left behind. It is removed when the listener is closed.
func listenControl(data string) (net.Listener, error) {
	path := controlPath(data)
	if len(path) > longestSocket {
		return nil, fmt.Errorf("the path %s has %d bytes, a socket can have %d: choose a shorter one for data", path, len(path), longestSocket)
	}
	info, err := os.Lstat(path)
	switch {
	case err == nil && info.Mode()&fs.ModeSocket == 0:
		return nil, fmt.Errorf("%s is there and is no socket: move it away", path)
	case err == nil:
		err = os.Remove(path)
	case errors.Is(err, fs.ErrNotExist):
		err = nil
	}
	if err != nil {
		return nil, err
	}
	ln, err := net.Listen("unix", path)
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(path, 0o600); err != nil {
		return nil, errors.Join(err, ln.Close())
	}
	return ln, nil
}
