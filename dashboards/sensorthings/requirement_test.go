package sensorthings_test

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
)

// model is what table 2 to table 15 of OGC 18-088 want of each set: properties that must be
// there, others that may, navigations to one and to many.
var model = []struct{ requirement, set, must, may, one, many string }{
	{"thing", "Things", "name description", "properties", "", "Locations HistoricalLocations Datastreams"},
	{"location", "Locations", "name description encodingType location", "properties", "", "Things HistoricalLocations"},
	{"historical-location", "HistoricalLocations", "time", "", "Thing", "Locations"},
	{"datastream", "Datastreams", "name description unitOfMeasurement observationType", "observedArea phenomenonTime resultTime properties", "Thing Sensor ObservedProperty", "Observations"},
	{"sensor", "Sensors", "name description encodingType metadata", "properties", "", "Datastreams"},
	{"observed-property", "ObservedProperties", "name definition description", "properties", "", "Datastreams"},
	{"observation", "Observations", "phenomenonTime result resultTime", "resultQuality validTime parameters", "Datastream FeatureOfInterest", ""},
	{"feature-of-interest", "FeaturesOfInterest", "name description encodingType feature", "properties", "", "Observations"},
}

var setOf = map[string]string{"Thing": "Things", "Sensor": "Sensors", "ObservedProperty": "ObservedProperties", "Datastream": "Datastreams", "FeatureOfInterest": "FeaturesOfInterest"}

func TestDatamodel(t *testing.T) {
	for _, m := range model {
		t.Run("datamodel/"+m.requirement+"/properties", func(t *testing.T) {
			for _, e := range values(t, shared.get(t, "/"+m.set)) {
				for _, p := range strings.Fields(m.must) {
					if v, ok := e[p]; !ok || v == nil || v == "" {
						t.Errorf("%s: %s is %v", e["@iot.selfLink"], p, v)
					}
				}
				for name := range e {
					if !strings.Contains(name, "@iot.") && !slices.Contains(strings.Fields(m.must+" "+m.may), name) {
						t.Errorf("%s: %s does not belong to it", e["@iot.selfLink"], name)
					}
				}
			}
		})
		t.Run("datamodel/"+m.requirement+"/relations", func(t *testing.T) {
			for _, e := range values(t, shared.get(t, "/"+m.set, "$top", "5")) {
				for _, l := range strings.Fields(m.one) {
					to := shared.follow(t, e[l+"@iot.navigationLink"])
					if self, _ := to["@iot.selfLink"].(string); !strings.HasPrefix(self, base+"/"+setOf[l]+"(") {
						t.Errorf("%s leads to %v", l, to)
					}
				}
				for _, l := range strings.Fields(m.many) {
					for _, to := range values(t, shared.follow(t, e[l+"@iot.navigationLink"])) {
						if self, _ := to["@iot.selfLink"].(string); !strings.HasPrefix(self, base+"/"+l+"(") {
							t.Errorf("%s leads to %v", l, to)
						}
					}
				}
			}
		})
		t.Run("datamodel/entity-control-information/common-control-information/"+m.set, func(t *testing.T) {
			all := values(t, shared.get(t, "/"+m.set))
			if len(all) == 0 {
				t.Fatal("there is none")
			}
			seen := make(map[string]bool)
			for _, e := range all {
				id := idText(t, e)
				if seen[id] {
					t.Errorf("id %s is there twice", id)
				}
				seen[id] = true
				if want := base + "/" + m.set + "(" + id + ")"; e["@iot.selfLink"] != want {
					t.Errorf("@iot.selfLink %v, want %s", e["@iot.selfLink"], want)
				}
				if again := shared.follow(t, e["@iot.selfLink"]); fmt.Sprint(again) != fmt.Sprint(e) {
					t.Errorf("alone it is\n%v\nin the set\n%v", again, e)
				}
				for _, l := range strings.Fields(m.one + " " + m.many) {
					if want := fmt.Sprint(e["@iot.selfLink"], "/", l); e[l+"@iot.navigationLink"] != want {
						t.Errorf("%s@iot.navigationLink %v, want %s", l, e[l+"@iot.navigationLink"], want)
					}
				}
			}
		})
	}
}

func TestResourcePath(t *testing.T) {
	thing, _ := shared.one(t, "Things", "name eq 'Papierkorb Domhof'")
	stream, _ := shared.one(t, "Datastreams", "name eq 'Füllstand Papierkorb Domhof'")
	other, _ := shared.one(t, "Datastreams", "name eq 'Bodenfeuchte Eiche'")
	first := values(t, shared.get(t, stream+"/Observations", "$top", "1"))[0]
	observation := "/Observations(" + idText(t, first) + ")"

	t.Run("resource-path/resource-path-to-entities", func(t *testing.T) {
		for path, want := range map[string]string{
			thing:                                           "name",
			thing + "/Datastreams":                          "value",
			thing + stream:                                  "unitOfMeasurement",
			thing + stream + "/Observations":                "value",
			thing + stream + observation:                    "result",
			stream + observation + "/Datastream/Thing":      "name",
			observation + "/FeatureOfInterest/Observations": "value",
			observation + "/Datastream/ObservedProperty/Datastreams":                        "value",
			stream + "/Thing/Locations":                                                     "value",
			stream + "/Sensor" + stream + "/Thing" + stream + "/Thing" + stream + "/Sensor": "metadata",
			thing + "/HistoricalLocations":                                                  "value",
			thing + "/name":                                                                 "name",
			thing + "/properties":                                                           "properties",
			thing + "/properties/assetId":                                                   "assetId",
			stream + "/unitOfMeasurement/symbol":                                            "symbol",
			observation + "/result":                                                         "result",
			observation + "/id":                                                             "@iot.id",
			"/Things/$ref":                                                                  "value",
			thing + "/Datastreams/$ref":                                                     "value",
			stream + "/Observations/$ref":                                                   "value",
			stream + "/Thing/$ref":                                                          "@iot.selfLink",
		} {
			if d := shared.get(t, path); d[want] == nil {
				t.Errorf("%s has no %s: %v", path, want, d)
			}
		}
		for _, e := range values(t, shared.get(t, thing+"/Datastreams/$ref")) {
			if len(e) != 1 || shared.follow(t, e["@iot.selfLink"])["name"] == nil {
				t.Errorf("a reference is %v, want its address alone", e)
			}
		}
		for path, want := range map[string]string{
			thing + "/name/$value":                      "Papierkorb Domhof",
			thing + "/properties/stadtteil/$value":      "Innenstadt",
			stream + "/unitOfMeasurement/symbol/$value": "%",
			observation + "/result/$value":              "1",
			observation + "/phenomenonTime/$value":      "2026-11-20T12:00:00.000Z",
			observation + "/id/$value":                  idText(t, first),
		} {
			if status, body := shared.fetch(t, path); status != http.StatusOK || body != want {
				t.Errorf("%s: %d %q, want %q", path, status, body, want)
			}
		}
		if status, body := shared.fetch(t, observation+"/validTime"); status != http.StatusNoContent || body != "" {
			t.Errorf("a property without a value: %d %q, want 204", status, body)
		}
	})

	t.Run("request-data/status-code", func(t *testing.T) {
		for path, want := range map[string]int{
			"/Thing":                              404,
			"/Things(1)":                          404,
			"/Things('1')":                        404,
			"/Things(99999999999999999999)":       404,
			"/Things(1":                           404,
			"/Observations(0)":                    404,
			"/Observations(-5)":                   404,
			"/Observations(9007199254740991)":     404,
			"/Observations(65537)":                404, // of a reading that is there, no quantity
			"/Things/name":                        404,
			thing + "/Observations":               404,
			thing + other:                         404,
			other + observation:                   404,
			thing + "/names":                      404,
			thing + "/name/first":                 404,
			thing + "/properties/none":            404,
			stream + "/Thing(5)":                  404,
			"/Things/$ref/name":                   404,
			"/$ref":                               404,
			"/Things/$value":                      404,
			strings.Repeat(stream+"/Thing", 12):   400,
			thing + "/name?$select=name":          400,
			thing + "?$top=1":                     400,
			stream + "/Thing?$filter=true":        400,
			"/MultiDatastreams":                   404,
			"/Things(" + strings.Repeat("1", 999): 404,
		} {
			status, body := shared.raw(t, http.MethodGet, "/v1.1"+path)
			d := doc{}
			if status == want {
				d = parse(t, body)
			}
			if status != want || d["code"] != float64(want) || d["type"] != "error" || d["message"] == "" {
				t.Errorf("%s: %d %s, want %d with a message", path, status, body, want)
			}
		}
		for _, method := range []string{"POST", "PUT", "PATCH", "DELETE"} {
			if status, _ := shared.raw(t, method, "/v1.1/Things"); status != http.StatusMethodNotAllowed {
				t.Errorf("%s: %d, want 405", method, status)
			}
		}
		if status, body := shared.raw(t, http.MethodHead, "/v1.1/Things"); status != 200 || body != "" {
			t.Errorf("HEAD: %d %q", status, body)
		}
		if status, _ := shared.raw(t, http.MethodGet, "/v1.10/Things"); status != 404 {
			t.Errorf("beside the base: %d, want 404", status)
		}
	})
}

func TestRoot(t *testing.T) {
	for _, path := range []string{"", "/"} {
		d := shared.get(t, path)
		sets := values(t, d)
		if len(sets) != 8 {
			t.Fatalf("%d sets, want 8", len(sets))
		}
		for i, m := range []string{"Things", "Locations", "HistoricalLocations", "Datastreams", "Sensors", "ObservedProperties", "Observations", "FeaturesOfInterest"} {
			if sets[i]["name"] != m || sets[i]["url"] != base+"/"+m || len(sets[i]) != 2 {
				t.Errorf("set %d is %v", i, sets[i])
			}
		}
		list, _ := d["serverSettings"].(doc)["conformance"].([]any)
		for _, m := range model {
			want := "http://www.opengis.net/spec/iot_sensing/1.1/req/datamodel/" + m.requirement + "/properties"
			if !slices.Contains(list, any(want)) {
				t.Errorf("serverSettings.conformance does not tell of %s", want)
			}
		}
	}
}

func TestRequestData(t *testing.T) {
	thing, _ := shared.one(t, "Things", "name eq 'Papierkorb Domhof'")
	stream, _ := shared.one(t, "Datastreams", "name eq 'Füllstand Papierkorb Domhof'")
	observed := stream + "/Observations"
	results := func(t *testing.T, options ...string) string {
		return names(t, shared.get(t, observed, options...), "result")
	}

	t.Run("request-data/select", func(t *testing.T) {
		for selects, want := range map[string]string{
			"name":                    "name",
			"id":                      "@iot.id",
			"@iot.id,description":     "@iot.id description",
			"name,Datastreams":        "Datastreams@iot.navigationLink name",
			"properties/assetId":      "properties",
			"@iot.selfLink":           "@iot.selfLink",
			"*":                       "@iot.id description name properties",
			"name,properties,@iot.id": "@iot.id name properties",
		} {
			var got []string
			for name := range shared.get(t, thing, "$select", selects) {
				got = append(got, name)
			}
			slices.Sort(got)
			if strings.Join(got, " ") != want {
				t.Errorf("$select=%s gives %v, want %s", selects, got, want)
			}
		}
		d := shared.get(t, thing, "$select", "properties/assetId,properties/art")
		if got := fmt.Sprint(d["properties"]); got != "map[art:bin assetId:PK-1]" {
			t.Errorf("parts of properties: %s", got)
		}
		for _, e := range values(t, shared.get(t, "/Observations", "$select", "result")) {
			if len(e) != 1 {
				t.Fatalf("selected result, got %v", e)
			}
		}
	})

	t.Run("request-data/expand", func(t *testing.T) {
		d := shared.get(t, thing, "$expand", "Locations,Datastreams/Observations($top=2;$select=result),Datastreams/Sensor")
		streams := docs(t, d["Datastreams"])
		if d["Datastreams@iot.navigationLink"] != nil || d["HistoricalLocations@iot.navigationLink"] == nil {
			t.Error("what is expanded has no link, what is not has one")
		}
		if len(streams) != 1 || streams[0]["Sensor"].(doc)["name"] != "milesight/em310-udl" || len(docs(t, streams[0]["Observations"])) != 2 || len(docs(t, d["Locations"])) != 1 {
			t.Errorf("expanded: %v", d)
		}
		d = shared.get(t, observed, "$top", "1", "$expand", "Datastream($select=name;$expand=Thing($select=name;$expand=Locations($select=location)),ObservedProperty($select=name)),FeatureOfInterest($select=name)")
		want := "map[ObservedProperty:map[name:Füllstand] Thing:map[Locations:[map[location:map[coordinates:[8.043 52.277] type:Point]]] name:Papierkorb Domhof] name:Füllstand Papierkorb Domhof]"
		if got := fmt.Sprint(values(t, d)[0]["Datastream"]); got != want {
			t.Errorf("nested:\n%s\nwant\n%s", got, want)
		}
		d = shared.get(t, thing, "$expand", "Datastreams($expand=Observations($count=true;$filter=result gt 40;$orderby=result desc;$top=2;$skip=1;$select=result))")
		s := docs(t, d["Datastreams"])[0]
		if s["Observations@iot.count"] != 8.0 || fmt.Sprint(s["Observations"]) != "[map[result:47] map[result:46]]" {
			t.Errorf("options of a nested expand: count %v, %v", s["Observations@iot.count"], s["Observations"])
		}
		next, _ := s["Observations@iot.nextLink"].(string)
		if got := names(t, shared.follow(t, next), "result"); got != "45|44" {
			t.Errorf("Observations@iot.nextLink leads to %s, want 45|44", got)
		}
		if !strings.Contains(next, "$top=2") || !strings.Contains(next, "$skip=3") {
			t.Errorf("%s: clients want $top and $skip in it", next)
		}
	})

	t.Run("request-data/orderby", func(t *testing.T) {
		if got := results(t, "$orderby", "result desc", "$top", "3"); got != "48|47|46" {
			t.Errorf("result desc: %s", got)
		}
		if got := results(t, "$orderby", "phenomenonTime asc", "$top", "3"); got != "1|2|3" {
			t.Errorf("phenomenonTime asc: %s", got)
		}
		if got := results(t, "$orderby", "resultTime desc,id desc", "$top", "3"); got != "48|47|46" {
			t.Errorf("resultTime desc: %s", got)
		}
		if got := results(t, "$orderby", "result mod 10 desc,result", "$top", "5"); got != "9|19|29|39|8" {
			t.Errorf("result mod 10 desc,result: %s", got)
		}
		if got := names(t, shared.get(t, "/Datastreams", "$orderby", "Thing/name desc,name asc", "$top", "3", "$filter", "Thing/properties/art eq 'soil'"), "name"); got != "Bodenfeuchte Linde mit Bodenfühler|Bodentemperatur Linde mit Bodenfühler|Saugspannung Linde mit Bodenfühler" {
			t.Errorf("by the name of the Thing: %s", got)
		}
		for _, set := range model {
			for _, p := range append(strings.Fields(set.must), "id") {
				shared.get(t, "/"+set.set, "$orderby", p, "$top", "1")
				shared.get(t, "/"+set.set, "$orderby", p+" desc", "$top", "1")
			}
		}
	})

	t.Run("request-data/top", func(t *testing.T) {
		for top, want := range map[string]int{"0": 0, "1": 1, "5": 5, "46": 46, "1000000": 46} {
			d := shared.get(t, observed, "$top", top)
			if n := len(values(t, d)); n != want {
				t.Errorf("$top=%s: %d, want %d", top, n, want)
			}
			if (d["@iot.nextLink"] != nil) != (want > 0 && want < 46) {
				t.Errorf("$top=%s: @iot.nextLink %v", top, d["@iot.nextLink"])
			}
		}
		if n := len(values(t, shared.get(t, "/Observations"))); n != 100 {
			t.Errorf("without $top: %d, want 100", n)
		}
	})

	t.Run("request-data/skip", func(t *testing.T) {
		if got := results(t, "$skip", "44"); got != "47|48" {
			t.Errorf("$skip=44: %s", got)
		}
		if got := results(t, "$skip", "46"); got != "" {
			t.Errorf("$skip=46: %s", got)
		}
		if got := results(t, "$skip", "1", "$top", "2", "$orderby", "phenomenonTime desc"); got != "47|46" {
			t.Errorf("$skip=1 from the newest: %s", got)
		}
		if got := names(t, shared.get(t, "/Sensors", "$skip", "3", "$orderby", "name", "$select", "name"), "name"); got != "sensecap/s2120" {
			t.Errorf("Sensors: %s", got)
		}
	})

	t.Run("request-data/count", func(t *testing.T) {
		for _, c := range []struct {
			path, filter string
			want         any
		}{
			{observed, "", 46.0},
			{observed, "result gt 40", 8.0},
			{observed, "phenomenonTime ge 2026-11-22T00:00:00Z", 12.0},
			{observed, "id eq 5", 0.0},
			{"/Things", "", 6.0},
			{"/Observations", "", nil},
			{"/Observations", "Datastream/Thing/name eq 'Papierkorb Domhof'", 46.0},
		} {
			options := []string{"$count", "true", "$top", "1"}
			if c.filter != "" {
				options = append(options, "$filter", c.filter)
			}
			if c.path == "/Observations" && c.filter == "" {
				c.want = 46.0 + 96 + 96 + 17 + 3*17
			}
			if got := shared.get(t, c.path, options...)["@iot.count"]; got != c.want {
				t.Errorf("%s %q: @iot.count %v, want %v", c.path, c.filter, got, c.want)
			}
		}
		if d := shared.get(t, observed, "$count", "false"); d["@iot.count"] != nil {
			t.Errorf("$count=false: %v", d["@iot.count"])
		}
	})

	t.Run("request-data/order", func(t *testing.T) {
		// First the filter, then the count, then the order, then skip, then top.
		d := shared.get(t, observed, "$count", "true", "$top", "1", "$skip", "2", "$orderby", "phenomenonTime asc", "$filter", "result gt '3'")
		// As text above "3": 4 to 9, 30 to 39 without 31, 40 to 48.
		if d["@iot.count"] != 24.0 || names(t, d, "result") != "6" {
			t.Errorf("count %v, result %s; want 24 and 6", d["@iot.count"], names(t, d, "result"))
		}
	})

	t.Run("request-data/pagination", func(t *testing.T) {
		for _, c := range []struct{ path, order, filter string }{
			{observed, "", ""}, {observed, "phenomenonTime desc", ""}, {observed, "result desc", "result lt 30"}, {"/Observations", "", ""},
			{"/Observations", "phenomenonTime desc", ""}, {"/Observations", "resultTime", ""}, {"/Observations", "result,phenomenonTime desc", "Datastream/Thing/properties/art eq 'soil'"},
			{"/Observations", "", "Datastream/Thing/properties/art eq 'soil'"}, {"/Observations", "", "result gt 20"}, {"/Datastreams", "", ""}, {"/Datastreams", "Thing/name desc", ""}, {"/Things", "description", ""},
			{"/Locations", "location", ""},
		} {
			options := []string{"$select", "id"}
			for name, v := range map[string]string{"$orderby": c.order, "$filter": c.filter} {
				if v != "" {
					options = append(options, name, v)
				}
			}
			want := names(t, shared.get(t, c.path, append(options, "$top", "1000")...), "@iot.id")
			for _, top := range []string{"61", "7", "1"} {
				// Enough pages to see the seams, and not hundreds.
				if n := strings.Count(want, "|"); top == "61" && n < 61 || top == "7" && n > 50 || top == "1" && n > 20 {
					continue
				}
				var got []string
				d := shared.get(t, c.path, append(options, "$top", top)...)
				for {
					if s := names(t, d, "@iot.id"); s != "" {
						got = append(got, s)
					}
					if d["@iot.nextLink"] == nil {
						break
					}
					d = shared.follow(t, d["@iot.nextLink"])
				}
				if strings.Join(got, "|") != want {
					t.Errorf("%s by %q with %q, %s at a time:\n%s\nat once:\n%s", c.path, c.order, c.filter, top, strings.Join(got, "|"), want)
				}
			}
		}
	})

	t.Run("request-data/query-status-code", func(t *testing.T) {
		for query, says := range map[string]string{
			"$top=-1":                         "$top: position 1: $top wants a whole number",
			"$top=1.5":                        "whole number",
			"$top=x":                          `got "x"`,
			"$top=1&$top=2":                   "$top: position 1: $top is given twice",
			"$skip=9999999":                   "0 to 1000000",
			"$count=yes":                      "want true or false",
			"$select=nam":                     `$select: position 1: Thing has no "nam"`,
			"$select=name,":                   "position 6: want the name of a property, got the end",
			"$select=Datastreams/name":        "$expand=Datastreams($select=name)",
			"$expand=Sensors":                 `$expand: position 1: Thing has no navigation "Sensors"`,
			"$expand=Datastreams($top)":       "position 17: want =",
			"$expand=Datastreams($foo=1)":     "no option",
			"$expand=Datastreams($top=1":      "want ), got the end",
			"$expand=Datastreams,Datastreams": "position 13: Datastreams is expanded twice",
			"$expand=Datastreams($expand=Thing($top=1))":                                  "Thing is one entity and not a set",
			"$expand=" + strings.TrimSuffix(strings.Repeat("Datastreams/Thing/", 5), "/"): "nested deeper than 8",
			"$orderby=nam":                         "position 1",
			"$orderby=name down":                   `position 6: "down" is not expected here`,
			"$filter=":                             "want a property, a function or a value, got the end",
			"$filter=name eq":                      "position 8: want a property, a function or a value, got the end",
			"$filter=name eq 'x":                   "position 9: the string that begins here has no end",
			"$filter=nam eq 'x'":                   `position 1: Thing has no "nam"`,
			"$filter=name/first eq 'x'":            "position 6: name has no parts",
			"$filter=Datastreams/nam eq 'x'":       `position 13: Datastream has no "nam"`,
			"$filter=foo(name)":                    `there is no function "foo"`,
			"$filter=startswith(name)":             "startswith wants 2 arguments, got 1",
			"$filter=substring(name,1,2,3) eq 'x'": "substring wants 2 to 3 arguments, got 4",
			"$filter=(name eq 'x'":                 "want ), got the end",
			"$filter=name eq 'x')":                 `position 12: ")" is not expected here`,
			"$filter=name eq 2026-13-01":           "is no date",
			"$filter=name eq 2026-13-01T00:00:00Z": "is no time like",
			"$filter=name eq 2026-11-22T00:00:00Z/2026-11-21T00:00:00Z": "ends before it begins",
			"$filter=name eq 25:00":                                              "is no time of day",
			"$filter=name eq 12abc":                                              "neither a number nor a name",
			"$filter=name eq 1e999":                                              "too large a number",
			"$filter=name eq duration'P1Y'":                                      "is not a duration",
			"$filter=name # 'x'":                                                 "$filter",
			"$filter=st_within(Locations/location,'POINT (1 1)')":                "want a geometry like",
			"$filter=st_within(Locations/location,geography'POINT (1)')":         "is no position",
			"$filter=st_relate(Locations/location,geography'POINT (1 1)','TTT')": "want a pattern of nine",
			"$filter=name/any(x:x eq 1)":                                         "not behind a property",
			"$filter=" + strings.Repeat("(", 50) + "name":                        "nested deeper than 40",
			"$filter=true" + strings.Repeat(" and true", 150):                    "more than 200 parts",
			"$filter=" + strings.Repeat("x", 20000):                              "more than the 16384 that are read",
			"$resultFormat=CSV":                                                  "only $resultFormat=dataArray",
			"$apply=x":                                                           `there is no option "$apply"`,
			"top=5":                                                              "its name begins with a dollar sign, $top",
			"$skiptoken=xyz":                                                     "begin again without it",
			"$skiptoken=eyJrIjpbIm4xIl0sImkiOjF9":                                "belongs to another question",
			"$filter=%zz":                                                        "percent-encoded",
			"$filter=%ff":                                                        "not UTF-8",
		} {
			query = strings.ReplaceAll(strings.ReplaceAll(query, " ", "%20"), "#", "%23")
			r := "/v1.1/Things?" + query
			status, body := shared.rawQuery(t, "/v1.1/Things", query)
			if status != http.StatusBadRequest {
				t.Errorf("%.80s: %d %.200s, want 400", r, status, body)
				continue
			}
			if message := fmt.Sprint(parse(t, body)["message"]); !strings.Contains(message, says) {
				t.Errorf("%.80s: %q, want it to say %q", r, message, says)
			}
		}
	})
}

// TestQueriesOfPublicClients asks what public clients of Osnabrück's server ask, word for word.
func TestQueriesOfPublicClients(t *testing.T) {
	status, body := shared.rawQuery(t, "/v1.1/Things", "$filter=substringof('Boden',name)&$expand=Datastreams($select=name;$filter=substringof('temp',name);$expand=Observations($orderby=resultTime desc;$top=120))")
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	trees := values(t, parse(t, body))
	streams := docs(t, trees[0]["Datastreams"])
	if len(trees) != 1 || len(streams) != 1 || streams[0]["name"] != "Bodentemperatur Linde mit Bodenfühler" {
		t.Fatalf("%v", trees)
	}
	seen := docs(t, streams[0]["Observations"])
	if len(seen) != 48 || seen[0]["resultTime"] != "2026-11-22T11:01:00.000Z" || seen[47]["result"] != -3.0 || streams[0]["Observations@iot.nextLink"] != nil {
		t.Errorf("%d Observations from %v on: %v", len(seen), seen[0]["resultTime"], seen[47])
	}

	status, body = shared.rawQuery(t, "/v1.1/Things", "$expand=Datastreams($filter=substringof('Belegtstatus',name);$expand=Observations($top=1;$orderby=phenomenonTime desc))")
	if status != 200 {
		t.Fatalf("%d %s", status, body)
	}
	got := make(map[string]string)
	for _, thing := range values(t, parse(t, body)) {
		for _, s := range docs(t, thing["Datastreams"]) {
			o := docs(t, s["Observations"])
			got[fmt.Sprint(thing["name"])] = fmt.Sprintln(len(o), o[0]["result"], o[0]["phenomenonTime"], s["observedArea"].(doc)["type"])
			next := fmt.Sprint(s["Observations@iot.nextLink"])
			if !strings.Contains(next, "$top=1&") || !strings.Contains(next, "$skip=1&") {
				t.Errorf("nextLink %s: Masterportal goes on for ever without $top <= $skip in it", next)
			}
		}
	}
	want := map[string]string{"Parkraum Innenstadt": "1 frei 2026-11-22T12:00:00.000Z Point\n", "Stellplatz Rathaus": "1 belegt 2026-11-22T12:00:00.000Z Point\n"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}

	// The extent filter of Masterportal, and an inner dollar sign that is percent-encoded.
	status, body = shared.rawQuery(t, "/v1.1/Things", "%24filter=st_intersects(Locations/location,geography'POLYGON%20((8.042 52.276,8.044 52.276,8.044 52.278,8.042 52.278,8.042 52.276))')&$expand=Datastreams(%24top=1)")
	if status != 200 || names(t, parse(t, body), "name") != "Papierkorb Domhof" {
		t.Errorf("%d %.300s", status, body)
	}
	status, body = shared.rawQuery(t, "/v1.1/Datastreams", "$filter=st_within(Thing/Locations/location,geography'POLYGON ((8 52.28,8.1 52.28,8.1 52.3,8 52.3,8 52.28))') and startswith(name,'Bodenfeuchte')&$orderby=name")
	if status != 200 || names(t, parse(t, body), "name") != "Bodenfeuchte Eiche|Bodenfeuchte Linde mit Bodenfühler" {
		t.Errorf("%d %.300s", status, body)
	}
}

func TestDataArray(t *testing.T) {
	d := shared.get(t, "/Observations", "$resultFormat", "dataArray", "$filter", "Datastream/Thing/properties/assetId eq 'BA-1' and phenomenonTime lt 2026-11-20T14:00:00Z", "$count", "true", "$select", "phenomenonTime,result")
	groups := values(t, d)
	if d["@iot.count"] != 4.0 || len(groups) != 2 {
		t.Fatalf("%v", d)
	}
	for _, g := range groups {
		if fmt.Sprint(g["components"]) != "[phenomenonTime result]" || g["dataArray@iot.count"] != 2.0 || !strings.HasPrefix(fmt.Sprint(g["dataArray"]), "[[2026-11-20T12:01:00.000Z") {
			t.Errorf("%v", g)
		}
		shared.follow(t, g["Datastream@iot.navigationLink"])
	}
}

// TestIDsStay: neither a restart nor another order of the inventory changes an address.
func TestIDsStay(t *testing.T) {
	before := make(map[string]string)
	for _, m := range model {
		before[m.set] = names(t, shared.get(t, "/"+m.set, "$top", "1000"), "@iot.selfLink")
	}
	inv := townInventory()
	slices.Reverse(inv.assets)
	again := &town{inventory: inv, release: townRelease(), source: shared.source}
	var err error
	if again.handler, err = again.serve(); err != nil {
		t.Fatal(err)
	}
	for _, m := range model {
		if got := names(t, again.get(t, "/"+m.set, "$top", "1000"), "@iot.selfLink"); got != before[m.set] {
			t.Errorf("%s:\n%s\nbefore\n%s", m.set, got, before[m.set])
		}
	}
}

// TestInventoryChangesBetweenPages: what is new since the first page neither repeats nor hides
// what was there.
func TestInventoryChangesBetweenPages(t *testing.T) {
	inv := townInventory()
	w := &town{inventory: inv, release: townRelease(), source: shared.source}
	var err error
	if w.handler, err = w.serve(); err != nil {
		t.Fatal(err)
	}
	first := w.get(t, "/Things", "$top", "3", "$orderby", "name")
	if got := names(t, first, "name"); got != "Eiche|Linde mit Bodenfühler|Papierkorb Domhof" {
		t.Fatal(got)
	}
	changed := townInventory()
	changed.assets = changed.assets[1:] // without the bin, and a tree more
	extra := *changed.assets[2]
	extra.ID, extra.Name = "BA-3", "Ahorn"
	changed.assets = append(changed.assets, &extra)
	*inv = *changed
	if got := names(t, w.follow(t, first["@iot.nextLink"]), "name"); got != "Parkraum Innenstadt|Stellplatz Rathaus|Wetter O'Brien" {
		t.Errorf("second page: %s", got)
	}
}
