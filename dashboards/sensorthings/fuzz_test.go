package sensorthings_test

import (
	"net/http"
	"strings"
	"testing"
)

// FuzzQuery: whatever is asked, the answer is one of ours, and JSON.
func FuzzQuery(f *testing.F) {
	for _, seed := range [][2]string{
		{"/Things", "$filter=substringof('Boden',name)&$expand=Datastreams($select=name;$filter=substringof('temp',name);$expand=Observations($orderby=resultTime desc;$top=120))"},
		{"/Things(1)/Datastreams", "$expand=Observations($top=1;$orderby=phenomenonTime%20desc)&$count=true"},
		{"/Observations", "$filter=result gt '3' and phenomenonTime ge now() sub duration'PT2H'&$resultFormat=dataArray&$top=5"},
		{"/Datastreams", "$filter=st_within(Thing/Locations/location,geography'POLYGON ((8 52,9 52,9 53,8 52))') or not (name eq null)&$orderby=-length(name) desc,id&$skip=1"},
		{"/Things", "$filter=Datastreams/any(d:d/name eq properties/a/b and d/Observations/any(o:o/result gt 2.5e1))&$select=properties/x,*"},
		{"/Observations(69007)/Datastream/unitOfMeasurement/symbol/$value", ""},
		{"/Things/$ref", "$skiptoken=eyJrIjpbXSwiaSI6MjA4MjU0fQ&$top=3"},
		{"/Observations", "$skiptoken=eyJrIjpbXSwiaSI6NDUwMzU5OTYyNzM3MDQ5Nn0&$filter=year(phenomenonTime) eq 2026"},
	} {
		f.Add(seed[0], seed[1])
	}
	f.Fuzz(func(t *testing.T, path, query string) {
		if strings.ContainsAny(path, "?#% \x7f") || strings.IndexFunc(path, func(r rune) bool { return r < ' ' }) >= 0 || !strings.HasPrefix(path, "/") || strings.HasPrefix(path, "//") {
			return
		}
		status, body := shared.rawPath(t, "/v1.1"+path, query)
		switch status {
		case http.StatusOK, http.StatusNoContent:
			if strings.Contains(body, "geheim-7") || strings.Contains(body, "Einfamilienhaus") {
				t.Errorf("%s?%s tells what is not released", path, query)
			}
		case http.StatusBadRequest, http.StatusNotFound:
			if parse(t, body)["message"] == "" {
				t.Errorf("%s?%s: refused without a reason", path, query)
			}
		default:
			t.Errorf("%s?%s: status %d %s", path, query, status, body)
		}
	})
}
