package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"syscall"
	"time"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/storage/sqlite"
)

// controlTimeout bounds one request to the running platform.
const controlTimeout = 30 * time.Second

// controlClient is the desk of the platform that runs.
type controlClient struct{ http *http.Client }

// errNotRunning says that nobody listens on the socket.
var errNotRunning = errors.New("no platform runs on this data folder")

// dialControl finds the platform that runs on a data folder.
func dialControl(ctx context.Context, data string) (*controlClient, error) {
	dial := func(ctx context.Context, _, _ string) (net.Conn, error) {
		var d net.Dialer
		return d.DialContext(ctx, "unix", controlPath(data))
	}
	conn, err := dial(ctx, "", "")
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ECONNREFUSED), errors.Is(err, syscall.EINVAL), errors.Is(err, syscall.ENOTSOCK):
		return nil, errNotRunning
	case errors.Is(err, fs.ErrPermission):
		return nil, fmt.Errorf("%w: run the command as the user that the platform runs as, like sudo -u meldefunk", err)
	case err != nil:
		return nil, err
	}
	_ = conn.Close() // it only had to be answered
	return &controlClient{&http.Client{Transport: &http.Transport{DialContext: dial, DisableKeepAlives: true}, Timeout: controlTimeout}}, nil
}

// Wish keeps a wish.
func (c *controlClient) Wish(ctx context.Context, w city.Wish) (int64, error) {
	a, err := c.ask(ctx, http.MethodPost, "/v1/tickets/"+url.PathEscape(w.Ref)+"/wishes", wishRequest{w.Kind, w.By, w.Reason, w.Until, w.Number})
	return a.ID, err
}

// Mute keeps a mute.
func (c *controlClient) Mute(ctx context.Context, m city.Mute) (int64, error) {
	a, err := c.ask(ctx, http.MethodPost, "/v1/mutes", muteRequest{m.Service, m.Asset, m.Tour, m.District, m.Until, m.By, m.Reason})
	return a.ID, err
}

// Unmute lifts a mute; when, says the platform's clock.
func (c *controlClient) Unmute(ctx context.Context, id int64, by string, _ time.Time) error {
	_, err := c.ask(ctx, http.MethodDelete, "/v1/mutes/"+strconv.FormatInt(id, 10), unmuteRequest{by})
	return err
}

// Reconcile has all tickets looked at and asked for.
func (c *controlClient) Reconcile(ctx context.Context) (int, error) {
	a, err := c.ask(ctx, http.MethodPost, "/v1/reconcile", struct{}{})
	return a.Asked, err
}

func (c *controlClient) ask(ctx context.Context, method, path string, body any) (a controlAnswer, err error) {
	text, err := json.Marshal(body)
	if err != nil {
		return a, err
	}
	r, err := http.NewRequestWithContext(ctx, method, "http://meldefunk"+path, bytes.NewReader(text))
	if err != nil {
		return a, err
	}
	resp, err := c.http.Do(r)
	if err != nil {
		return a, fmt.Errorf("ask the running platform: %w", err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(io.LimitReader(resp.Body, maxControl)).Decode(&a); err != nil {
		return a, fmt.Errorf("ask the running platform: it answered %s, and that with what cannot be read: %w", resp.Status, err)
	}
	switch {
	case resp.StatusCode == http.StatusOK:
		return a, nil
	case resp.StatusCode == http.StatusBadRequest:
		return a, usageError{errors.New(a.Error)}
	case resp.StatusCode == http.StatusConflict:
		return a, register.ErrChanged
	case resp.StatusCode == http.StatusUnprocessableEntity:
		return a, contradiction{errors.New(a.Error)}
	}
	return a, errors.New(a.Error)
}

// atDesk has somebody's wishes taken: by the platform if it runs, else by its store, and then
// the platform finds them when it starts. noted says what becomes of them.
func atDesk(ctx context.Context, s settings, logTo io.Writer, do func(d desk, noted string) error) (err error) {
	running, err := dialControl(ctx, s.Data)
	if err == nil {
		return do(running, "noted")
	}
	if !errors.Is(err, errNotRunning) {
		return err
	}
	if _, err := os.Stat(s.Data); err != nil {
		return fmt.Errorf("there is no data folder: has the platform run with this configuration? %w", err)
	}
	store, err := sqlite.Open(ctx, s.Data, newLogger(s.Log, logTo))
	if err != nil {
		return fmt.Errorf("%w (it does not answer on %s: its log says why)", err, controlPath(s.Data))
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return do(&storeDesk{store: store, wake: func() {}}, "noted; it is done when the platform starts")
}
