package georeport

import (
	"bytes"
	"encoding/json"
	"encoding/xml"
	"fmt"
	"io"
	"maps"
	"net/http"
	"slices"
	"strings"
)

// Habits are what a server does otherwise than the strict one. The zero value is strict.
type Habits struct {
	Envelope bool   // lists are wrapped in an object, errors too
	Nested   bool   // a create answers with an object in two objects
	Suffix   string // behind the number of a request, "-2026"
	Lenient  bool   // what is not known is ignored, not refused
	Email    bool   // a create must name an e-mail address
	Updates  string // how requests are changed: "" servicerequestupdates, "patch", "post"

	Text   string // argument that searches the text; "": none
	Since  string // argument: changed then or later; "": none
	Offset string // argument: how many to leave out; "": none
	Page   string // argument: which page; "": none
	Size   string // argument: how many to give; "": none
	Most   int    // how many are given at once at most; 0: 1000

	Hidden       string // description that is shown until somebody releases it; "": the real one
	Bare         bool   // requests lack their service, and positions are rounded to 32 bits
	OneOnly      bool   // several states or numbers in one call are an error of the server
	EmptyUnknown bool   // an unknown number is an empty list, not 404
	PageOnError  bool   // a wrong jurisdiction is answered with a web page and 200
	KeyInBody    bool   // a wrong key is answered with 500, and 401 in the body

	PostSearches bool // POST requests gives old requests, and makes none
	SwappedDates bool // start_date and end_date the wrong way round
	TokenAfter   int  // look-ups of a token that give nothing; 0: 1; negative: all
}

// Flavours are servers that exist, as far as their sources tell.
func Flavours() map[string]Habits {
	return map[string]Habits{
		"strict":      {},
		"fixmystreet": {Envelope: true, OneOnly: true, EmptyUnknown: true, PageOnError: true},
		"mark-a-spot": {
			Envelope: true, Nested: true, Suffix: "-2026", Lenient: true, Updates: "post",
			Text: "q", Since: "updated", Offset: "offset", Size: "limit", Most: 100,
		},
		"klarschiff": {
			Lenient: true, Email: true, Updates: "patch", Since: "updated_after", Size: "max_requests", KeyInBody: true,
		},
	}
}

// CodeForNL is a server that can neither close nor search, and forgets half.
func CodeForNL() Habits {
	return Habits{Lenient: true, Bare: true, SwappedDates: true, EmptyUnknown: true, Updates: "none"}
}

// dress gives answers the form that the habits and the format asked for want. Inside, all
// is JSON as the specification has it.
func (s *Server) dress(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		path, asXML := strings.CutSuffix(r.URL.Path, ".xml")
		if asXML {
			r = r.Clone(r.Context())
			r.URL.Path, r.URL.RawPath = path+".json", ""
		}
		habits := s.cfg.Habits
		if !asXML && !habits.Envelope && !habits.Nested {
			h.ServeHTTP(w, r)
			return
		}
		answer := &unsent{header: http.Header{}, status: http.StatusOK}
		h.ServeHTTP(answer, r)
		d := json.NewDecoder(&answer.body)
		d.UseNumber()
		var v any
		if !strings.Contains(answer.header.Get("Content-Type"), "json") || d.Decode(&v) != nil {
			// A web page: as it is.
			maps.Copy(w.Header(), answer.header)
			w.WriteHeader(answer.status)
			_, _ = io.Copy(w, &answer.body)
			return
		}
		root := rootOf(path, answer.status)
		if all, ok := v.([]any); ok && (asXML || habits.Envelope) {
			var inside any = all
			if len(all) == 1 && (answer.status >= 400 && !asXML || answer.status < 400 && habits.Nested && r.Method == http.MethodPost) {
				inside = all[0]
				if answer.status < 400 {
					inside = map[string]any{elementOf(root): all[0]}
				}
			}
			v = map[string]any{root: inside}
		}
		if !asXML {
			reply(w, answer.status, v)
			return
		}
		w.Header().Set("Content-Type", "text/xml; charset=utf-8")
		w.WriteHeader(answer.status)
		var b bytes.Buffer
		b.WriteString(xml.Header)
		m, ok := v.(map[string]any)
		if !ok || len(m) != 1 {
			m = map[string]any{root: v}
		}
		for name, inside := range m {
			writeXML(&b, name, inside)
		}
		_, _ = w.Write(b.Bytes()) // the only error possible is that nobody listens any more
	})
}

// rootOf names the element around an answer.
func rootOf(path string, status int) string {
	switch {
	case status >= 400:
		return "errors"
	case strings.HasPrefix(path, "/services/"):
		return "service_definition"
	case strings.HasPrefix(path, "/services"):
		return "services"
	case strings.HasPrefix(path, "/servicerequestupdates"):
		return "service_request_updates"
	case strings.HasPrefix(path, "/requests/notes/"):
		return "notes"
	}
	return "service_requests"
}

// elementOf names the elements of a list.
func elementOf(root string) string {
	switch root {
	case "service_requests":
		return "request"
	case "service_request_updates":
		return "request_update"
	}
	return strings.TrimSuffix(root, "s")
}

func writeXML(b *bytes.Buffer, name string, v any) {
	fmt.Fprintf(b, "<%s>", name)
	switch v := v.(type) {
	case nil:
	case []any:
		for _, e := range v {
			writeXML(b, elementOf(name), e)
		}
	case map[string]any:
		for _, key := range slices.Sorted(maps.Keys(v)) {
			writeXML(b, key, v[key])
		}
	default:
		_ = xml.EscapeText(b, []byte(fmt.Sprint(v))) // a buffer takes everything
	}
	fmt.Fprintf(b, "</%s>", name)
}
