package sensorthings_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/dashboards/sensorthings"
)

// TestNothingElseIsSeen: whatever is asked, what is not released is not in an answer.
func TestNothingElseIsSeen(t *testing.T) {
	for _, m := range model {
		status, body := shared.fetch(t, "/"+m.set, "$top", "1000")
		if status != 200 {
			t.Fatal(status)
		}
		for _, secret := range []string{"PK-2", "Einfamilienhaus", "FZ-1", "Kehrmaschine", "Bucht", `"P-1"`, "P-7", "Eversburg", "geheim-7", "0001020304", "battery", "occupied_since"} {
			if strings.Contains(body, secret) {
				t.Errorf("%s tells of %s", m.set, secret)
			}
		}
	}
	// All of the Observations are those of released quantities, each once.
	found := 0
	all := make(map[string]bool)
	for d := shared.get(t, "/Observations", "$top", "1000"); ; d = shared.follow(t, d["@iot.nextLink"]) {
		for _, o := range values(t, d) {
			all[idText(t, o)] = true
			found++
		}
		if d["@iot.nextLink"] == nil {
			break
		}
	}
	if found != len(all) || found != 46+96+96+17+3*17 {
		t.Errorf("%d Observations, %d different; want %d", found, len(all), 46+96+96+17+3*17)
	}
}

// TestParking: bays fill up at 09:07, 10:07 and 11:07; areas are told by the quarter of an hour.
func TestParking(t *testing.T) {
	_, free := shared.one(t, "Datastreams", "name eq 'Freie Stellplätze Parkraum Innenstadt'")
	path := "/Datastreams(" + idText(t, free) + ")/Observations"
	if got := names(t, shared.get(t, path), "result"); got != "6|6|6|6|6|5|5|5|5|4|4|4|4|3|3|3|3" {
		t.Errorf("free: %s", got)
	}
	if got := names(t, shared.get(t, path, "$orderby", "phenomenonTime desc", "$top", "2", "$filter", "phenomenonTime lt 2026-11-22T11:20:00Z"), "phenomenonTime"); got != "2026-11-22T11:15:00.000Z|2026-11-22T11:00:00.000Z" {
		t.Errorf("times: %s", got)
	}
	if got := shared.get(t, path, "$count", "true", "$top", "0", "$filter", "phenomenonTime ge 2026-11-22T11:00:00Z")["@iot.count"]; got != 5.0 {
		t.Errorf("count: %v", got)
	}
	o := values(t, shared.get(t, path, "$top", "1"))[0]
	if again := shared.follow(t, o["@iot.selfLink"]); fmt.Sprint(again) != fmt.Sprint(o) {
		t.Errorf("alone: %v, in the set %v", again, o)
	}
	_, taken := shared.one(t, "Datastreams", "name eq 'Belegte Stellplätze Parkraum Innenstadt'")
	if got := names(t, shared.get(t, "/Datastreams("+idText(t, taken)+")/Observations", "$skip", "15"), "result"); got != "3|3" {
		t.Errorf("taken: %s", got)
	}
	_, bay := shared.one(t, "Datastreams", "name eq 'Belegtstatus Stellplatz Rathaus'")
	if got := names(t, shared.get(t, "/Datastreams("+idText(t, bay)+")/Observations", "$skip", "14"), "result"); got != "frei|frei|belegt" {
		t.Errorf("bay: %s", got)
	}
	if thing := values(t, shared.get(t, "/Things", "$filter", "properties/behindertenparkplatz eq 'ja' and properties/betriebsstatus eq 'aktiv'")); len(thing) != 1 || fmt.Sprint(thing[0]["properties"].(doc)["keywords"]) != "[Parkplatz]" {
		t.Errorf("bay for people with disabilities: %v", thing)
	}
}

// TestParkingGoesStale: a bay that says nothing for six hours is not counted; of too few
// nothing is told.
func TestParkingGoesStale(t *testing.T) {
	inv := &inventory{devices: make(map[string][]*city.Device)}
	begin := noon.Add(-10 * time.Hour)
	source := samples{}
	for n := range 4 {
		id := fmt.Sprintf("P-%d", n)
		inv.add(city.Asset{ID: id, Kind: city.Parking, District: "Mitte"}, "bosch/parking")
		source[id] = []city.Sample{{Reading: int64(n + 1), Time: city.Stamp{At: begin}, Has: true}}
	}
	// The fourth goes on talking; a fault of the third has no value.
	for h := range 9 {
		source["P-3"] = append(source["P-3"], city.Sample{Reading: int64(10 + h), Time: city.Stamp{At: begin.Add(time.Duration(h+1) * time.Hour)}, Has: true})
	}
	source["P-2"] = append(source["P-2"], city.Sample{Reading: 30, Time: city.Stamp{At: begin.Add(time.Hour)}})
	release := sensorthings.DefaultRelease()
	release.MinBays = 3
	w := &town{inventory: inv, release: release, source: source}
	var err error
	if w.handler, err = w.serve(); err != nil {
		t.Fatal(err)
	}
	d := w.get(t, "/Datastreams", "$filter", "startswith(name,'Freie')", "$expand", "Observations($count=true;$orderby=phenomenonTime desc;$top=1)")
	s := values(t, d)[0]
	last := docs(t, s["Observations"])[0]
	// From 02:00 to 08:00 inclusive.
	if s["Observations@iot.count"] != 25.0 || last["phenomenonTime"] != "2026-11-22T08:00:00.000Z" || last["result"] != 4.0 || s["phenomenonTime"] != "2026-11-22T02:00:00.000Z/2026-11-22T08:00:00.000Z" {
		t.Errorf("%v", s)
	}
}

func TestReleaseValidate(t *testing.T) {
	if err := sensorthings.DefaultRelease().Validate(); err != nil {
		t.Error(err)
	}
	for want, change := range map[string]func(r *sensorthings.Release){
		"trackers cannot be released": func(r *sensorthings.Release) {
			r.Quantities[city.Tracker] = []city.Quantity{city.Speed}
		},
		"how long single vehicles stood": func(r *sensorthings.Release) {
			r.Quantities[city.Parking] = []city.Quantity{city.Occupied, city.FormerDuration}
		},
		"latitude of bin cannot be released": func(r *sensorthings.Release) { r.Quantities[city.Bin] = []city.Quantity{city.Latitude} },
		"is named twice": func(r *sensorthings.Release) {
			r.Quantities[city.Bin] = []city.Quantity{city.FillLevel, city.FillLevel}
		},
		"min_bays 2":                 func(r *sensorthings.Release) { r.MinBays = 2 },
		"bay_stale 1m0s":             func(r *sensorthings.Release) { r.BayStale = time.Minute },
		"both released and withheld": func(r *sensorthings.Release) { r.Bays, r.Withheld = []sensorthings.Bay{{Asset: "x"}}, []string{"x"} },
	} {
		r := sensorthings.DefaultRelease()
		change(&r)
		if err := r.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want it to say %q", err, want)
		}
	}
	for _, bad := range []string{"", "sensoren.example.org/v1.1", "https://x/", "ftp://x/v1.1", "https://x/v1.1?a", "https:///v1.1"} {
		_, err := sensorthings.New(shared.source, sensorthings.Options{Base: bad, Inventory: shared.inventory, Release: shared.release, Now: time.Now})
		if err == nil || !strings.Contains(err.Error(), "base: want an absolute address") {
			t.Errorf("base %q: %v", bad, err)
		}
	}
	if _, err := sensorthings.New(nil, sensorthings.Options{Base: base, Release: shared.release}); err == nil || !strings.Contains(err.Error(), "are needed") {
		t.Errorf("without a source: %v", err)
	}
}
