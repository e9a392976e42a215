package tickets

import (
	"net/http"
	"net/http/httptest"
	"sync/atomic"
	"testing"
	"time"

	"meldefunk/city"
	"meldefunk/tickets/profile"
	"meldefunk/tickets/profile/profiletest"
)

// sensorHall is the reference server of the profile, behind a judge. The answers to the
// next lose posts do not arrive.
type sensorHall struct {
	*profile.Server
	judge *profiletest.Judge
	url   string
	lose  atomic.Int32
}

func newSensorHall(t *testing.T, c *clock) *sensorHall {
	t.Helper()
	server, err := profile.New(profile.Config{APIKey: secret, Services: []profile.Service{{Code: "ABF-1", Name: "Papierkorb voll"}}, Now: c.now})
	if err != nil {
		t.Fatal(err)
	}
	h := &sensorHall{Server: server, judge: profiletest.New(t, profile.Document(), server)}
	srv := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodPost && h.lose.Add(-1) >= 0 {
			h.judge.ServeHTTP(httptest.NewRecorder(), r)
			panic(http.ErrAbortHandler)
		}
		h.judge.ServeHTTP(w, r)
	}))
	t.Cleanup(srv.Close)
	h.url = srv.URL
	return h
}

// The client of GeoReport servers speaks the profile: what it sends is what the published
// document allows, and it does its work with the answers that the document promises.
func TestClientSpeaksTheProfile(t *testing.T) {
	for name, lost := range map[string]int32{"no answer lost": 0, "one answer lost": 1, "two answers lost": 2} {
		for _, flavour := range []string{"strict", "sensor-meldung"} {
			t.Run(flavour+"/"+name, func(t *testing.T) { speakTheProfile(t, flavour, lost) })
		}
	}
}

func speakTheProfile(t *testing.T, flavour string, lost int32) {
	c, l := newClock(), newLedger()
	hall := newSensorHall(t, c)
	cfg := toServer(t, hall.url)
	cfg.Open311.Flavour = flavour
	system := openSystem(t, cfg, l)
	if err := system.(Checker).Check(t.Context()); err != nil {
		t.Fatal(err)
	}
	r := newReconciler(t, cfg, l, system, c)
	l.open("S-7K3QF2PA", "S-00000002")
	hall.lose.Store(lost)
	drive(t, r, l, c, 10*time.Second)
	got := hall.Requests()
	if len(got) != 2 || got[0].Status != "open" || got[1].Status != "open" || got[0].Service != "ABF-1" {
		t.Fatalf("after opening: %+v", got)
	}
	l.close("S-7K3QF2PA")
	hall.lose.Store(lost)
	drive(t, r, l, c, 10*time.Second)
	got = hall.Requests()
	want := Preview(l.cases[0], &city.Asset{ID: "PK-0042"}, Route{}, berlin(t)).Closing
	if len(got) != 2 || got[0].Status != "closed" || got[0].Notes != want || got[1].Status != "open" {
		t.Errorf("after closing: %+v, want %q", got, want)
	}
	if refused := hall.judge.Refused(); len(refused) > 0 {
		t.Errorf("the client sent what the document does not allow: %q", refused)
	}
	seen := hall.judge.Seen()
	for _, operation := range []string{"listServices", "createRequest", "updateRequest"} {
		if seen[operation] == 0 {
			t.Errorf("%s was not asked for", operation)
		}
	}
	if lost > 0 && seen["listRequests"] == 0 {
		t.Error("nothing was searched for after a lost answer")
	}
}
