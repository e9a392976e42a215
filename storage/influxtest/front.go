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
	"strings"
	"time"
)

// front offers the writing half of the 2.x interface for an influxd that only knows 1.x.
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
}

func newFront(address string, s *Server) (*front, error) {
	f := &front{
		client:  &http.Client{Transport: &http.Transport{MaxIdleConnsPerHost: 8}},
		influxd: "http://" + s.address,
		org:     s.Org,
		bucket:  s.Bucket,
		token:   s.Token,
		version: fmt.Sprintf("%d.%d", s.influxd.major, s.influxd.minor),
	}
	mux := http.NewServeMux()
	mux.HandleFunc("POST /api/v2/write", f.write)
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
	f.client.CloseIdleConnections()
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
