// Package profiletest holds requests and answers against an OpenAPI document while tests
// exchange them: what a server takes must be what the document allows, what it answers must
// be what the document promises, and neither may use a name that the document does not
// have.
package profiletest

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/getkin/kin-openapi/openapi3"
	"github.com/getkin/kin-openapi/openapi3filter"
	"github.com/getkin/kin-openapi/routers"
	"github.com/getkin/kin-openapi/routers/gorillamux"
)

// Load reads a document and validates it with all its examples.
func Load(document []byte) (*openapi3.T, error) {
	doc, err := openapi3.NewLoader().LoadFromData(document)
	if err != nil {
		return nil, err
	}
	return doc, doc.Validate(context.Background(), openapi3.EnableExamplesValidation())
}

// Judge is a handler that lets another one answer and judges both sides.
type Judge struct {
	inner  http.Handler
	router routers.Router

	mu      sync.Mutex
	seen    map[string]int
	refused []string
	wrong   []string
}

// kept is how many refused requests, and how many mistakes, a Judge remembers.
const kept = 100

// New makes a Judge. What it has found wrong when the test ends are errors of t.
func New(t testing.TB, document []byte, inner http.Handler) *Judge {
	t.Helper()
	doc, err := Load(document)
	if err != nil {
		t.Fatal(err)
	}
	router, err := gorillamux.NewRouter(doc)
	if err != nil {
		t.Fatal(err)
	}
	j := &Judge{inner: inner, router: router, seen: map[string]int{}}
	t.Cleanup(func() {
		for _, words := range j.Wrong() {
			t.Error(words)
		}
	})
	return j
}

// Wrong tells what was found wrong until now, the first hundred.
func (j *Judge) Wrong() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.wrong)
}

// Seen counts the exchanges of each operation, by its operationId, that ended with 200.
func (j *Judge) Seen() map[string]int {
	j.mu.Lock()
	defer j.mu.Unlock()
	return maps.Clone(j.seen)
}

// Refused tells of the requests that the document does not allow, and that were rightly
// refused. A client under test makes none.
func (j *Judge) Refused() []string {
	j.mu.Lock()
	defer j.mu.Unlock()
	return slices.Clone(j.refused)
}

func (j *Judge) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(r.Body)
	if err != nil {
		j.fail("%s %s: %v", r.Method, r.URL, err)
		return
	}
	again := func() { r.Body = io.NopCloser(bytes.NewReader(body)) }
	again()
	answer := httptest.NewRecorder()
	j.inner.ServeHTTP(answer, r)
	again()
	j.exchange(r, body, answer)

	maps.Copy(w.Header(), answer.Header())
	w.WriteHeader(answer.Code)
	_, _ = w.Write(answer.Body.Bytes())
}

func (j *Judge) exchange(r *http.Request, body []byte, answer *httptest.ResponseRecorder) {
	what := fmt.Sprintf("%s %s %s", r.Method, r.URL, body)
	route, params, err := j.router.FindRoute(r)
	if err != nil {
		if answer.Code < 300 {
			j.fail("%s: answered %d, but the document has no such operation", what, answer.Code)
		} else {
			j.refuse(what + ": " + err.Error())
		}
		return
	}
	// Whether a token is good is the server's word.
	options := &openapi3filter.Options{AuthenticationFunc: openapi3filter.NoopAuthenticationFunc}
	in := &openapi3filter.RequestValidationInput{Request: r, PathParams: params, Route: route, Options: options}
	if err = openapi3filter.ValidateRequest(r.Context(), in); err == nil {
		err = undeclared(route, r, body)
	}
	switch {
	case err != nil && answer.Code < 400:
		j.fail("%s: answered %d, but the document does not allow it: %v", what, answer.Code, err)
	case err != nil:
		j.refuse(what + ": " + err.Error())
	case answer.Code == http.StatusOK:
		j.saw(route.Operation.OperationID)
	}
	out := &openapi3filter.ResponseValidationInput{
		RequestValidationInput: in, Status: answer.Code, Header: answer.Header(),
		Body: io.NopCloser(bytes.NewReader(answer.Body.Bytes())),
	}
	if err := openapi3filter.ValidateResponse(r.Context(), out); err != nil {
		j.fail("%s: answered %d %s, which the document does not promise: %v", what, answer.Code, answer.Body, err)
		return
	}
	response := route.Operation.Responses.Status(answer.Code)
	if response == nil {
		response = route.Operation.Responses.Default()
	}
	if len(response.Value.Content) == 0 {
		if answer.Body.Len() > 0 {
			j.fail("%s: answered %d with a body, which the document does not promise", what, answer.Code)
		}
		return
	}
	var v any
	if err := json.Unmarshal(answer.Body.Bytes(), &v); err != nil {
		j.fail("%s: %v", what, err)
		return
	}
	if name := stranger(response.Value.Content.Get(answer.Header().Get("Content-Type")).Schema.Value, v); name != "" {
		j.fail("%s: answered %s, but the document has no field %q", what, answer.Body, name)
	}
}

func (j *Judge) fail(format string, args ...any) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.wrong) < kept {
		j.wrong = append(j.wrong, fmt.Sprintf(format, args...))
	}
}

func (j *Judge) refuse(words string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if len(j.refused) < kept {
		j.refused = append(j.refused, words)
	}
}

func (j *Judge) saw(operation string) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.seen[operation]++
}

// undeclared finds arguments that the document does not name; a validator overlooks them.
func undeclared(route *routers.Route, r *http.Request, body []byte) error {
	for name := range r.URL.Query() {
		if route.Operation.Parameters.GetByInAndName(openapi3.ParameterInQuery, name) == nil {
			return fmt.Errorf("argument %q is not declared", name)
		}
	}
	if route.Operation.RequestBody == nil {
		return nil
	}
	form, err := url.ParseQuery(string(body))
	if err != nil {
		return err
	}
	known := route.Operation.RequestBody.Value.Content.Get("application/x-www-form-urlencoded").Schema.Value.Properties
	for name, values := range form {
		property, _, _ := strings.Cut(name, "[")
		if known[property] == nil {
			return fmt.Errorf("form field %q is not declared", name)
		}
		if len(values) != 1 {
			return fmt.Errorf("form field %q comes %d times", name, len(values))
		}
	}
	return nil
}

// stranger gives the name of a field that the schema does not have, "" where there is none.
func stranger(schema *openapi3.Schema, v any) string {
	switch v := v.(type) {
	case []any:
		for _, e := range v {
			if name := stranger(schema.Items.Value, e); name != "" {
				return name
			}
		}
	case map[string]any:
		for name, e := range v {
			property := schema.Properties[name]
			switch others := schema.AdditionalProperties; {
			case property == nil && others.Schema != nil:
				property = others.Schema
			case property == nil && others.Has != nil && *others.Has:
				continue
			case property == nil:
				return name
			}
			if found := stranger(property.Value, e); found != "" {
				return found
			}
		}
	}
	return ""
}
