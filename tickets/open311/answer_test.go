package open311

import (
	"fmt"
	"slices"
	"testing"

	"meldefunk/city"
)

// The shapes that lists, definitions and answers to creates have in the wild, in JSON and
// XML.
func TestShapes(t *testing.T) {
	tests := []struct {
		name, body string
		ids        []string
	}{
		{"specification", `[{"service_request_id":638344,"status":"open"}]`, []string{"638344"}},
		{"FixMyStreet", `{"service_requests":[{"service_request_id":1,"lat":"52.2775","agency_responsible":{"recipient":["OSB"]}}]}`, []string{"1"}},
		{"older FixMyStreet", `[{"service_request_id":["7"],"status":["open"]}]`, []string{"7"}},
		{"Mark-a-Spot", `{"service_requests":{"request":{"service_request_id":"17-2026"}}}`, []string{"17-2026"}},
		{"Mark-a-Spot with extensions", `{"requests":[{"service_request_id":"17-2026"}],"meta":{"total":1}}`, []string{"17-2026"}},
		{"GovFlow", `{"data":{"service_request_id":"a"},"success":true}`, []string{"a"}},
		{"history inside", `[{"service_request_id":5,"notes":[{"description":"x"}],"request":[]}]`, []string{"5"}},
		{"nothing, wrapped", `{"service_requests":null}`, nil},
		{"byte order mark", "\ufeff" + `[{"service_request_id":1}]`, []string{"1"}},

		{"XML", `<?xml version="1.0" encoding="utf-8"?><service_requests><request><service_request_id>1</service_request_id></request><request><service_request_id>2</service_request_id></request></service_requests>`, []string{"1", "2"}},
		{"XML, one", `<service_requests><request><service_notice/><service_request_id> 1002 </service_request_id></request></service_requests>`, []string{"1002"}},
		{"XML, none", `<service_requests type="array"/>`, nil},
		{"XML of codefornl, create", `<service_requests><service_requests><service_request_id>2</service_request_id><account_id>null</account_id></service_requests></service_requests>`, []string{"2"}},
		{"XML of codefornl, list", `<service_requests><service_request><service_request_id>1</service_request_id></service_request><service_request><service_request_id>2</service_request_id></service_request></service_requests>`, []string{"1", "2"}},
		{"XML of Bonn", `<service_requests is_array="true"><request><service_request_id>9-2026</service_request_id></request></service_requests>`, []string{"9-2026"}},
	}
	c := &Client{flavour: Flavours()["strict"]}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree, err := parse([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			all, err := c.records(tree)
			if err != nil {
				t.Fatal(err)
			}
			var ids []string
			for _, rec := range all {
				ids = append(ids, rec.ID)
			}
			if !slices.Equal(ids, tt.ids) {
				t.Errorf("got %q, want %q", ids, tt.ids)
			}
		})
	}
}

func TestRecord(t *testing.T) {
	c := &Client{flavour: Flavours()["klarschiff"]}
	tests := []struct {
		name, body string
		want       record
		state      city.Progress
	}{
		{"Köln", `[{"service_request_id":"12504-2026","title":"#12504-2026","lat":50.856229364647,"service_code":"3.2","service_name":"Defekte Oberfläche","requested_datetime":"2026-05-29T08:29:06+02:00","status":"closed","status_note":"erledigt"}]`,
			record{ID: "12504-2026", Words: "#12504-2026\n\n", Lat: "50.856229364647", ServiceCode: "3.2", ServiceName: "Defekte Oberfläche", Requested: "2026-05-29T08:29:06+02:00", Status: "closed", Notes: "erledigt"}, city.ProgressDone},
		{"codefornl", `[{"service_request_id":1,"status":"open","description":"voll","account_id":"null"}]`, record{ID: "1", Status: "open", Description: "voll", Words: "\nvoll\n"}, city.ProgressOpen},
		{"Klarschiff", `<service_requests type="array"><request><service_request_id>4</service_request_id><status>closed</status><extended_attributes><detailed_status>REJECTED</detailed_status></extended_attributes></request></service_requests>`,
			record{ID: "4", Status: "closed", Detail: "REJECTED", Words: "\n\n"}, city.ProgressRejected},
		{"a finer word that nobody knows", `[{"service_request_id":4,"status":"open","detailed_status":"vertagt"}]`, record{ID: "4", Status: "open", Detail: "vertagt", Words: "\n\n"}, city.ProgressOpen},
		{"no status", `[{"service_request_id":4}]`, record{ID: "4", Words: "\n\n"}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			tree, err := parse([]byte(tt.body))
			if err != nil {
				t.Fatal(err)
			}
			all, err := c.records(tree)
			if err != nil || len(all) != 1 || all[0] != tt.want || c.progress(all[0]) != tt.state {
				t.Errorf("got %+v, %v\nwant %+v, %s", all, err, tt.want, tt.state)
			}
		})
	}
	c.cfg.StatusMap = map[string]city.Progress{"vertagt": city.ProgressWorking}
	if got := c.progress(record{Status: "open", Detail: "Vertagt"}); got != city.ProgressWorking {
		t.Errorf("status_map: got %s", got)
	}
}

func TestDefinitions(t *testing.T) {
	const want = `[{ref string true []} {prioritaet singlevaluelist false [{hoch hoch} {2 normal}]}]`
	for name, body := range map[string]string{
		"JSON": `{"service_code":"x","attributes":[{"code":"ref","variable":"true","datatype":"string","required":"true"},
			{"code":"hinweis","variable":false,"datatype":"text","required":true},
			{"code":"prioritaet","variable":true,"datatype":"singlevaluelist","required":"false","values":[{"key":"hoch","name":"hoch"},{"key":2,"name":"normal"}]}]}`,
		"JSON in a list": `[{"service_code":"x","attributes":[{"code":"ref","datatype":"string","required":true},{"code":"prioritaet","datatype":"singlevaluelist","values":[{"key":"hoch","name":"hoch"},{"key":2,"name":"normal"}]}]}]`,
		"XML": `<service_definition><service_code>x</service_code><attributes><attribute><variable>true</variable><code>ref</code><datatype>string</datatype><required>true</required></attribute>
			<attribute><variable>false</variable><code>hinweis</code></attribute>
			<attribute><variable>true</variable><code>prioritaet</code><datatype>singlevaluelist</datatype><required>false</required><values><value><key>hoch</key><name>hoch</name></value><value><key>2</key><name>normal</name></value></values></attribute></attributes></service_definition>`,
	} {
		tree, err := parse([]byte(body))
		if err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprint(attributes(tree)); got != want {
			t.Errorf("%s: got %s\nwant %s", name, got, want)
		}
	}
	if got := attributes(map[string]any{"errors": []any{}}); got != nil {
		t.Errorf("got %v from what is no definition", got)
	}
}
