package influxtest

import (
	"crypto/subtle"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"sync/atomic"
	"time"
)

// front offers the half of the 2.x interface that writes and deletes for an influxd that
// only knows 1.x.
// It decides what the 2.x server decides before it looks at the lines (token,
// organization, bucket, parameters: http/write_handler.go of InfluxDB 2.7); everything
// about the lines is influxd's own word.
type front struct {
	server  *http.Server
	client  *http.Client
	influxd string // base URL
	org     string
	bucket  string
	token   string
	version string
	like18  *atomic.Bool // answer as 1.8 does where it differs from 2.x
}

func newFront(address string, s *Server) (*front, error) {
	f := &front{
		client:  &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}, // tests look for connections that others leave
		influxd: "http://" + s.address,
		org:     s.Org,
		bucket:  s.Bucket,
		token:   s.Token,
		version: fmt.Sprintf("%d.%d", s.influxd.major, s.influxd.minor),
		like18:  &s.like18,
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/write", f.write)
	mux.HandleFunc("POST /api/v2/delete", f.delete)
	mux.HandleFunc("POST /query", f.query)
	mux.HandleFunc("GET /ping", f.ping)
	mux.HandleFunc("GET /health", f.health)
	f.server = &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, err
	}
	go func() { _ = f.server.Serve(l) }() // ends with close
	return f, nil
}

// close cuts every connection: whoever talks to a dead server hears nothing more.
func (f *front) close() {
	_ = f.server.Close()
}

var precisions = map[string]string{"": "n", "ns": "n", "us": "u", "ms": "ms", "s": "s"}

func (f *front) write(w http.ResponseWriter, r *http.Request) {
	query := r.URL.Query()
	precision, known := precisions[query.Get("precision")]
	switch {
	case !f.authorized(r):
		refuse(w, http.StatusUnauthorized, "unauthorized access")
		return
	case !known:
		refuse(w, http.StatusBadRequest, "invalid precision; valid precision units are ns, us, ms, and s")
		return
	case query.Get("org") != f.org:
		refuse(w, http.StatusNotFound, fmt.Sprintf("organization name %q not found", query.Get("org")))
		return
	case query.Get("bucket") != f.bucket:
		refuse(w, http.StatusNotFound, fmt.Sprintf("bucket %q not found", query.Get("bucket")))
		return
	}
	for name := range query {
		switch name {
		case "org", "bucket", "precision":
		default:
			refuse(w, http.StatusBadRequest, fmt.Sprintf("parameter %q is not one of org, bucket, precision", name))
			return
		}
	}
	target := f.influxd + "/write?" + url.Values{"db": {f.bucket}, "precision": {precision}}.Encode()
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, target, r.Body)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	req.ContentLength = r.ContentLength
	if encoding := r.Header.Get("Content-Encoding"); encoding != "" {
		req.Header.Set("Content-Encoding", encoding)
	}
	f.pass(w, req)
}

// deletePredicate is as much of the predicate's language as is in use: one tag.
var deletePredicate = regexp.MustCompile(`^([a-z_]+)="([^"\\]*)"$`)

// delete has influxd delete the points of a tag's value within a time range, both ends
// included, as http/delete_handler.go of InfluxDB 2.7 does.
func (f *front) delete(w http.ResponseWriter, r *http.Request) {
	if f.like18.Load() {
		w.Header().Set("X-Influxdb-Version", f.version)
		http.NotFound(w, r)
		return
	}
	var order struct{ Start, Stop, Predicate string }
	err := json.NewDecoder(r.Body).Decode(&order)
	start, startErr := time.Parse(time.RFC3339Nano, order.Start)
	stop, stopErr := time.Parse(time.RFC3339Nano, order.Stop)
	tag := deletePredicate.FindStringSubmatch(order.Predicate)
	query := r.URL.Query()
	switch {
	case !f.authorized(r):
		refuse(w, http.StatusUnauthorized, "unauthorized access")
		return
	case query.Get("org") != f.org || query.Get("bucket") != f.bucket || len(query) != 2:
		refuse(w, http.StatusNotFound, fmt.Sprintf("want organization %q, bucket %q and nothing else: %s", f.org, f.bucket, r.URL.RawQuery))
		return
	case err != nil || startErr != nil || stopErr != nil || tag == nil:
		refuse(w, http.StatusBadRequest, fmt.Sprintf("invalid request %+v: %v", order, errors.Join(err, startErr, stopErr)))
		return
	}
	f.ask(w, r, fmt.Sprintf("DELETE WHERE %q = '%s' AND time >= %d AND time <= %d", tag[1], tag[2], start.UnixNano(), stop.UnixNano()), func(body []byte) {
		if text := statementError(body); text != "" {
			refuse(w, http.StatusInternalServerError, "unable to delete: "+text)
			return
		}
		w.WriteHeader(http.StatusNoContent)
	})
}

// query hands InfluxQL on, as 1.8 takes it from a writer: deletions only.
func (f *front) query(w http.ResponseWriter, r *http.Request) {
	q := r.FormValue("q")
	switch {
	case !f.like18.Load():
		refuse(w, http.StatusNotFound, "path not found")
	case !f.authorized(r):
		refuse(w, http.StatusUnauthorized, "authorization failed")
	case r.FormValue("db") != f.bucket || !strings.HasPrefix(q, "DELETE "):
		refuse(w, http.StatusForbidden, fmt.Sprintf("%s not authorized to execute statement %q on database %q", user, q, r.FormValue("db")))
	default:
		f.ask(w, r, q, func(body []byte) { _, _ = w.Write(body) }) // the client may be gone
	}
}

// ask puts InfluxQL to influxd; answer gets what it says.
func (f *front) ask(w http.ResponseWriter, r *http.Request, q string, answer func(body []byte)) {
	form := url.Values{"db": {f.bucket}, "q": {q}}
	req, err := http.NewRequestWithContext(r.Context(), http.MethodPost, f.influxd+"/query", strings.NewReader(form.Encode()))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	req.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	resp, err := f.client.Do(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Influxdb-Version", resp.Header.Get("X-Influxdb-Version"))
	answer(body)
}

// statementError is what went wrong with a statement; influxd answers 200 all the same.
func statementError(body []byte) string {
	var v1 struct {
		Error   string
		Results []struct{ Error string }
	}
	if err := json.Unmarshal(body, &v1); err != nil {
		return err.Error()
	}
	for _, result := range v1.Results {
		if result.Error != "" {
			return result.Error
		}
	}
	return v1.Error
}

func (f *front) ping(w http.ResponseWriter, r *http.Request) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, f.influxd+"/ping", nil)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	f.pass(w, req)
}

func (f *front) health(w http.ResponseWriter, r *http.Request) {
	req, err := http.NewRequestWithContext(r.Context(), http.MethodGet, f.influxd+"/ping", nil)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	resp, err := f.client.Do(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	_ = resp.Body.Close()
	answer(w, http.StatusOK, map[string]string{"name": "influxdb", "status": "pass", "version": f.version})
}

// pass asks influxd and hands on what it says. When influxd does not answer, the
// connection is cut: a dead server sends no 502.
func (f *front) pass(w http.ResponseWriter, req *http.Request) {
	resp, err := f.client.Do(req)
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("X-Influxdb-Version", resp.Header.Get("X-Influxdb-Version"))
	if resp.StatusCode < 300 {
		w.WriteHeader(http.StatusNoContent)
		return
	}
	message, err := errorText(body)
	if err != nil {
		message = string(body)
	}
	refuse(w, resp.StatusCode, message)
}

// errorText reads the error of the 1.x interface: {"error":"…"}.
func errorText(body []byte) (string, error) {
	var v1 struct {
		Error string `json:"error"`
	}
	if err := json.Unmarshal(body, &v1); err != nil {
		return "", err
	}
	if v1.Error == "" {
		return "", errors.New("no error text")
	}
	return v1.Error, nil
}

func (f *front) authorized(r *http.Request) bool {
	scheme, token, _ := strings.Cut(r.Header.Get("Authorization"), " ")
	return (scheme == "Token" || scheme == "Bearer") && subtle.ConstantTimeCompare([]byte(token), []byte(f.token)) == 1
}

// codes are the error codes of the 2.x interface (kit/platform/errors of InfluxDB 2.7).
var codes = map[int]string{
	http.StatusBadRequest:            "invalid",
	http.StatusUnauthorized:          "unauthorized",
	http.StatusForbidden:             "forbidden",
	http.StatusNotFound:              "not found",
	http.StatusRequestEntityTooLarge: "request too large",
	http.StatusServiceUnavailable:    "unavailable",
}

// refuse answers with an error as the 2.x interface writes it.
func refuse(w http.ResponseWriter, status int, message string) {
	code, ok := codes[status]
	if !ok {
		code = "internal error"
	}
	w.Header().Set("X-Platform-Error-Code", code)
	answer(w, status, map[string]string{"code": code, "message": message})
}

func answer(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", "application/json; charset=utf-8")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body) // the client may be gone
}
