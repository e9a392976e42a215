package profile_test

import (
	"bytes"
	"encoding/json"
	"maps"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"meldefunk/tickets/profile"
	"meldefunk/tickets/profile/profiletest"
)

// The document is valid OpenAPI 3.1 with valid examples, and lists what the server knows.
func TestDocument(t *testing.T) {
	doc, err := profiletest.Load(profile.Document())
	if err != nil {
		t.Fatal(err)
	}
	if !strings.HasPrefix(doc.OpenAPI, "3.1.") {
		t.Errorf("OpenAPI %s, want 3.1", doc.OpenAPI)
	}
	_, body := open(t, nil).call("/services/3.2.json", nil)
	var definition struct{ Attributes []struct{ Code string } }
	if err := json.Unmarshal([]byte(body), &definition); err != nil {
		t.Fatal(err)
	}
	var declared []string
	for _, a := range definition.Attributes {
		declared = append(declared, a.Code)
	}
	slices.Sort(declared)
	schemas := doc.Components.Schemas
	if listed := slices.Sorted(maps.Keys(schemas["Attributes"].Value.Properties)); !slices.Equal(listed, declared) {
		t.Errorf("the document lists the attributes %v, the server declares %v", listed, declared)
	}
	words := []any{profile.Received, profile.InProcess, profile.Processed, profile.Rejected, profile.Duplicate}
	if listed := schemas["Request"].Value.Properties["detailed_status"].Value.Enum; !slices.Equal(listed, words) {
		t.Errorf("the document lists the states %v, the server knows %v", listed, words)
	}
}

func TestDocumentIsServedAndCannotBeChanged(t *testing.T) {
	profile.Document()[0] = 'X'
	server, err := profile.New(profile.Config{APIKey: key, Now: time.Now})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	server.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/openapi.yaml", nil))
	if w.Code != http.StatusOK || w.Header().Get("Content-Type") != profile.DocumentType || !bytes.Equal(w.Body.Bytes(), profile.Document()) ||
		!strings.HasPrefix(w.Body.String(), "openapi: 3.1.") {
		t.Errorf("%d %v %.40s", w.Code, w.Header(), w.Body)
	}
}
