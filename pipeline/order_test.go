package pipeline_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"meldefunk/city"
)

// TestSessions gives a device's life as a script and the epochs that its readings must
// end up in. "again" repeats everything before it, as a broker does after a lost
// acknowledgement; each script is run in one go and with a restart before each message.
func TestSessions(t *testing.T) {
	type step = func(w *world, past []city.Arrival) []city.Arrival
	up := func(session string, fcnt uint32, level byte, at time.Duration) step {
		return func(w *world, _ []city.Arrival) []city.Arrival { return []city.Arrival{w.up(session, fcnt, level, at)} }
	}
	join := func(session string, at time.Duration) step {
		return func(w *world, _ []city.Arrival) []city.Arrival { return []city.Arrival{w.join(session, at)} }
	}
	again := func(_ *world, past []city.Arrival) []city.Arrival { return append([]city.Arrival(nil), past...) }
	many := func(session string, from, to uint32, at time.Duration) step {
		return func(w *world, _ []city.Arrival) (all []city.Arrival) {
			for n := from; n <= to; n++ {
				all = append(all, w.up(session, n, byte(n%90), at+time.Duration(n)*time.Minute))
			}
			return all
		}
	}
	const s, m, h = time.Second, time.Minute, time.Hour

	for name, c := range map[string]struct {
		script []step
		want   string // epoch:counter of each reading in order
	}{
		"plain":                         {[]step{up("a", 0, 1, 0), up("a", 1, 2, h), up("a", 5, 3, 2*h)}, "1:0 1:1 1:5"},
		"redelivered":                   {[]step{up("a", 0, 1, 0), up("a", 1, 2, h), again}, "1:0 1:1"},
		"second gateway's copy":         {[]step{up("a", 7, 1, 0), up("a", 7, 1, 3*s)}, "1:7"},
		"late in its session":           {[]step{up("a", 3, 1, 3*h), up("a", 1, 2, h), up("a", 2, 3, 2*h), again}, "1:3 1:1 1:2"},
		"join, then frames":             {[]step{join("a", 0), up("a", 0, 1, s), join("b", h), up("b", 0, 1, h+s), again}, "1:0 2:0"},
		"frame before its join":         {[]step{up("a", 0, 1, 0), join("a", s), up("a", 1, 1, m), again, up("a", 2, 1, h)}, "1:0 1:1 1:2"},
		"another session named":         {[]step{up("a", 9, 1, 0), up("b", 0, 1, h), up("b", 1, 1, 2*h), again}, "1:9 2:0 2:1"},
		"old session's straggler":       {[]step{up("a", 9, 1, 0), up("b", 0, 1, h), up("a", 10, 2, m), again}, "1:9 2:0 1:10"},
		"same address after a rejoin":   {[]step{join("a", 0), up("a", 0, 1, s), up("a", 1, 1, m), join("a", h), up("a", 0, 5, h+s), again, up("a", 2, 1, 2*h)}, "1:0 1:1 2:0 2:2"},
		"counter anew, other content":   {[]step{up("a", 5, 1, 0), up("a", 6, 2, h), up("a", 5, 9, 2*h), again, up("a", 7, 1, 3*h)}, "1:5 1:6 2:5 2:7"},
		"counter anew, same content":    {[]step{up("a", 5, 1, 0), up("a", 6, 1, h), up("a", 5, 1, 2*h), again, up("a", 6, 1, 3*h)}, "1:5 1:6 2:5 2:6"},
		"six sessions' backlog again":   {[]step{many("a", 0, 19, 0), many("b", 0, 19, h), many("c", 0, 19, 2*h), many("d", 0, 19, 3*h), many("e", 0, 19, 4*h), many("f", 0, 19, 5*h), again}, ""},
		"counter anew, far back":        {[]step{up("a", 500, 1, 0), up("a", 0, 1, h), up("a", 1, 1, 2*h), again}, "1:500 2:0 2:1"},
		"far back but older":            {[]step{up("a", 500, 1, h), up("a", 400, 1, m), again}, "1:500 1:400"},
		"no session named, rejoin":      {[]step{up("", 0, 1, 0), up("", 1, 1, m), join("", h), up("", 0, 1, h+s), again, up("", 1, 1, 2*h)}, "1:0 1:1 2:0 2:1"},
		"no session named, overtaken":   {[]step{up("", 0, 1, 0), up("", 1, 1, 7*s), up("", 0, 1, 36*s), join("", 37*s), up("", 1, 1, 38*s), again}, "1:0 1:1 2:0 2:1"},
		"no session named, first":       {[]step{up("", 0, 1, 0), join("", s), up("", 1, 1, m), again, up("", 2, 1, h)}, "1:0 1:1 1:2"},
		"no session named, retransmit":  {[]step{up("", 4, 1, 0), up("", 4, 1, 2*s), up("", 5, 1, h), again}, "1:4 1:5"},
		"no session named, old backlog": {[]step{many("", 0, 99, 0), join("", 3*h), up("", 0, 7, 3*h+s), up("", 1, 7, 4*h), again}, ""},
		"long backlog delivered again":  {[]step{many("a", 0, 199, 0), again}, ""},
		"two sessions' backlog again":   {[]step{many("a", 0, 99, 0), many("b", 0, 99, 5*h), again}, ""},
		"reset and its backlog again":   {[]step{many("a", 0, 99, 0), many("a", 0, 30, 5*h), again}, ""},
		"mid-life device rejoins":       {[]step{up("", 40, 1, 0), up("", 41, 1, h), join("", 2*h), up("", 0, 1, 2*h+s), again}, "1:40 1:41 2:0"},
		"six joins again":               {[]step{join("a", 0), up("a", 0, 1, s), join("b", h), up("b", 0, 1, h+s), join("c", 2*h), up("c", 0, 1, 2*h+s), join("d", 3*h), up("d", 0, 1, 3*h+s), join("e", 4*h), up("e", 0, 1, 4*h+s), join("f", 5*h), up("f", 0, 1, 5*h+s), again, up("f", 1, 1, 5*h+m)}, "1:0 2:0 3:0 4:0 5:0 6:0 6:1"},
		"join told twice":               {[]step{join("a", 0), again, up("a", 0, 1, s), again, up("a", 1, 1, m)}, "1:0 1:1"},
		"32-bit counter":                {[]step{up("a", 4294967294, 1, 0), up("a", 4294967295, 1, m), up("a", 0, 1, 2*m), again}, "1:4294967294 1:4294967295 2:0"},
	} {
		for _, restarts := range []bool{false, true} {
			t.Run(fmt.Sprintf("%s/restarts=%v", name, restarts), func(t *testing.T) {
				w := newWorld(t)
				var past []city.Arrival
				fresh := 0
				for _, step := range c.script {
					next := step(w, past)
					if len(next) > 0 && (len(past) == 0 || next[0].Message.Received != past[0].Message.Received || string(next[0].Message.Body) != string(past[0].Message.Body)) {
						for _, a := range next {
							if a.Event.Kind == city.EventUp {
								fresh++
							}
						}
					}
					past = append(past, next...)
				}
				if restarts && len(past) < 50 {
					for _, a := range past {
						w.carry(a)
					}
				} else {
					w.carry(past...)
				}
				var got []string
				keys := map[string]bool{}
				for _, r := range w.readings() {
					k := fmt.Sprintf("%d:%d", r.Epoch, r.FCnt)
					got, keys[k] = append(got, k), true
				}
				if len(keys) != len(got) {
					t.Errorf("%d frames were stored twice", len(got)-len(keys))
				}
				if c.want == "" {
					if len(got) != fresh {
						t.Errorf("%d readings of %d frames", len(got), fresh)
					}
				} else if strings.Join(got, " ") != c.want {
					t.Errorf("got %v, want %s", got, c.want)
				}
			})
		}
	}
}
