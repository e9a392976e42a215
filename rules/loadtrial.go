package rules

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/fnv"
	"slices"
	"strconv"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"meldefunk/city"
	"meldefunk/city/typo"
)

var (
	trialsKeys = []string{"rules", "zone", "tests"}
	trialKeys  = []string{"name", "start", "assets", "readings", "deaf", "restarts", "expect", "changes"}
	castKeys   = []string{"id", "kind", "tour", "district", "address", "species", "soil", "period", "gateway"}
	framesKeys = []string{"asset", "at", "every", "faults"} // and every quantity
	pointKeys  = []string{"at", "open", "pending", "muted"}
)

const maxTests = 1000

// LoadTrials reads a test file. rulesOf gives the set that the file names under rules, "" where
// it names none. The error holds every problem, as that of Load.
func LoadTrials(name string, data []byte, rulesOf func(name string) (*Set, error)) (*Trials, error) {
	l := &trialLoader{loader: loader{problems: problems{file: name, source: strings.Split(string(data), "\n")}}}
	if len(data) > maxFile {
		l.add(place{1, 1}, "the file is too large: want %d bytes at most", maxFile)
		return nil, l.join()
	}
	t := &Trials{file: name}
	if root, ok := l.document(data); ok {
		l.trials(root, t, rulesOf)
	}
	if err := l.join(); err != nil {
		return nil, err
	}
	return t, nil
}

// trialLoader reads one test file.
type trialLoader struct{ loader }

// trialStory is one test while it is read.
type trialStory struct {
	trial
	gateways map[string]string // by asset
	counters map[string]uint32
}

func (l *trialLoader) trials(root *yaml.Node, t *Trials, rulesOf func(string) (*Set, error)) {
	top, ok := l.mapping(root, "the file", trialsKeys...)
	if !ok {
		return
	}
	l.place(top)
	t.zone = l.zone
	from := ""
	node, given := top.node["rules"]
	if !given || l.read(top, "rules", func(text string) error { from = text; return nil }) {
		where := top.place
		if given {
			where = begin(node)
		}
		var err error
		if t.set, err = rulesOf(from); err != nil {
			l.add(where, "rules: %w", err)
		}
	}
	if _, given := top.node["tests"]; !given {
		l.add(top.place, "tests: is missing: want a list of tests, each with name, assets, readings and expect")
		return
	}
	for _, f := range l.items(top, "tests", "a test", trialKeys...) {
		if len(t.tests) == maxTests {
			l.add(f.place, "tests: more than %d are too many for one file", maxTests)
			return
		}
		t.tests = append(t.tests, l.test(f, t.set))
	}
}

func (l *trialLoader) test(f fields, set *Set) trial {
	s := trialStory{trial: trial{line: f.line, start: time.Date(2026, 6, 1, 12, 0, 0, 0, l.zone)},
		gateways: make(map[string]string), counters: make(map[string]uint32)}
	l.need(f, "name", "bin fills and is emptied", words(&s.name, 200))
	l.read(f, "start", l.instant(&s.start, false))
	if _, given := f.node["assets"]; !given {
		l.add(f.place, "assets: is missing: want something like assets: [{id: PK-1, kind: bin}]")
	}
	for _, g := range l.items(f, "assets", "an asset", castKeys...) {
		l.cast(g, &s)
	}
	keys := slices.Clone(framesKeys)
	for _, q := range city.Quantities() {
		keys = append(keys, q.String())
	}
	for _, g := range l.items(f, "readings", "a series of readings", keys...) {
		l.frames(g, &s)
	}
	for _, g := range l.items(f, "deaf", "a time in which nothing was heard", "from", "to") {
		l.deaf(g, &s)
	}
	l.each(f, "restarts", func(text string) error {
		at, err := parseSpan(text)
		s.stops = append(s.stops, s.start.Add(at))
		return err
	})
	for _, g := range l.items(f, "expect", "an expectation", pointKeys...) {
		l.point(g, &s, set)
	}
	if n, given := f.node["changes"]; given {
		s.asked, s.changesLine = true, n.Line
		if n.Kind != yaml.SequenceNode {
			l.add(begin(n), "changes: is %s: want a list like [3h opened bin-full PK-1]; [] says that nothing may change", kindOf(n))
		} else {
			for _, one := range n.Content {
				l.change(one, &s, set)
			}
		}
	}
	if len(s.points) == 0 && !s.asked {
		l.add(f.place, "expect: is missing: want what should be open at a time, like expect: [{at: 3h, open: [bin-full PK-1]}], or changes")
	}
	s.inOrder()
	return s.trial
}

// maxCast bounds the assets of a story.
const maxCast = 10_000

// several writes out "PK-1..PK-8"; anything else is one name.
func several(text string) ([]string, error) {
	first, last, is := strings.Cut(text, "..")
	if !is {
		return []string{text}, nil
	}
	stem := strings.TrimRight(first, "0123456789")
	digits, ok := strings.CutPrefix(last, stem)
	from, err1 := strconv.Atoi(first[len(stem):])
	to, err2 := strconv.Atoi(digits)
	if !ok || err1 != nil || err2 != nil || to < from || to-from >= maxCast {
		return nil, fmt.Errorf("%.40q does not fit: want an asset, or a row of %d at most like PK-1..PK-8", text, maxCast)
	}
	var all []string
	for i := from; i <= to; i++ {
		all = append(all, stem+strconv.Itoa(i))
	}
	return all, nil
}

func (l *trialLoader) cast(f fields, s *trialStory) {
	var ids []string
	l.need(f, "id", "PK-1", func(text string) (err error) { ids, err = several(text); return err })
	var a city.Asset
	l.need(f, "kind", "bin", func(text string) (err error) {
		a.Kind, err = city.ParseKind(text)
		return hinted(err, text, city.Kinds())
	})
	for key, into := range map[string]*string{"tour": &a.Tour, "district": &a.District, "address": &a.Address, "species": &a.Species, "soil": &a.SoilType} {
		l.read(f, key, words(into, 200))
	}
	var sensor city.Sensor
	l.read(f, "period", span(&sensor.Period))
	var gateway string
	l.read(f, "gateway", words(&gateway, 64))
	for _, id := range ids {
		if s.find(id) != nil {
			l.add(begin(f.node["id"]), "id: %q stands here a second time: want it once", id)
			return
		}
		if len(s.trial.cast) == maxCast {
			l.add(f.place, "assets: more than %d are too many for one test", maxCast)
			return
		}
		own := a
		own.ID = id
		sensor.DevEUI, s.gateways[id] = euiOf(id), gateway
		s.trial.cast = append(s.trial.cast, player{&own, sensor})
	}
}

// euiOf makes up the sensor of an asset.
func euiOf(id string) (eui city.EUI) {
	h := fnv.New64a()
	h.Write([]byte(id)) // never fails
	binary.BigEndian.PutUint64(eui[:], h.Sum64())
	return eui
}

func (t *trial) find(id string) *player {
	for i := range t.cast {
		if t.cast[i].asset.ID == id {
			return &t.cast[i]
		}
	}
	return nil
}

// known checks the name of an asset.
func (s *trialStory) known(id string) error {
	if s.find(id) != nil {
		return nil
	}
	var ids []string
	for _, m := range s.trial.cast {
		ids = append(ids, m.asset.ID)
	}
	return fmt.Errorf("there is no asset %.64q in this test%s", id, typo.Meant(id, ids))
}

// frames reads one series of frames, for one asset or several.
func (l *trialLoader) frames(f fields, s *trialStory) {
	var ids []string
	l.need(f, "asset", "PK-1", func(text string) (err error) {
		if ids, err = several(text); err != nil {
			return err
		}
		for _, id := range ids {
			if err := s.known(id); err != nil {
				return err
			}
		}
		return nil
	})
	var at, every time.Duration
	l.read(f, "at", span(&at))
	series := make(map[city.Quantity][]item)
	n := 1
	longest := ""
	read := func(key string, q city.Quantity) {
		l.read(f, key, func(text string) error {
			items, err := parseSeries(text, q)
			if err != nil {
				return err
			}
			if len(items) > 1 {
				if longest != "" && len(items) != n {
					return fmt.Errorf("has %d frames, and %s has %d: want as many, or a single one that stands for all", len(items), longest, n)
				}
				n, longest = len(items), key
			}
			series[q] = items
			return nil
		})
	}
	read("faults", city.QuantityUnknown)
	for _, q := range city.Quantities() {
		read(q.String(), q)
	}
	if n > 1 {
		l.need(f, "every", "1h", func(text string) (err error) {
			if every, err = parseSpan(text); err == nil && every <= 0 {
				err = errors.New("is nothing: want the time between two frames, like 1h")
			}
			return err
		})
	}
	if len(series) == 0 {
		l.add(f.place, "a series of readings says nothing: want a quantity like fill_level: 40 80 92, or faults")
	}
	if len(s.trial.frames)+n*len(ids) > maxSeries {
		l.add(f.place, "more than %d frames are too many for one test", maxSeries)
		return
	}
	for _, id := range ids {
		for i := range n {
			if s.find(id) == nil {
				return // it has been told of
			}
			s.frame(id, s.start.Add(at+time.Duration(i)*every), i, series)
		}
	}
}

// frame makes one frame of the series, unless it is lost.
func (s *trialStory) frame(id string, at time.Time, i int, series map[city.Quantity][]item) {
	p := s.find(id)
	fcnt := s.counters[id]
	s.counters[id]++
	r := city.Reading{DevEUI: p.sensor.DevEUI, Asset: id, Kind: p.asset.Kind, Model: "test", Epoch: 1, FCnt: fcnt,
		Time: city.Stamp{At: at}, Received: at, Radio: city.Radio{Gateway: s.gateways[id], Gateways: 1}}
	twice := false
	for _, q := range slices.Concat([]city.Quantity{city.QuantityUnknown}, city.Quantities()) {
		items := series[q]
		if len(items) == 0 {
			continue
		}
		x := items[min(i, len(items)-1)]
		if x.lost {
			return
		}
		r.Received = r.Received.Add(x.late)
		twice = twice || x.twice
		switch {
		case x.none:
		case q == city.QuantityUnknown:
			r.Faults = x.faults
		default:
			r.Values = append(r.Values, city.Value{Quantity: q, Number: x.value})
		}
	}
	s.trial.frames = append(s.trial.frames, r)
	if twice {
		s.trial.frames = append(s.trial.frames, r)
	}
}

func (l *trialLoader) deaf(f fields, s *trialStory) {
	var from, to time.Duration
	good := l.need(f, "from", "2h", span(&from))
	if l.need(f, "to", "4h", span(&to)) && good && to <= from {
		l.add(begin(f.node["to"]), "to: is not after from: want a later time")
	}
	s.trial.deaf = append(s.trial.deaf, deafTime{s.start.Add(from), s.start.Add(to)})
}

// point reads what should stand at a time.
func (l *trialLoader) point(f fields, s *trialStory, set *Set) {
	p := point{line: f.line}
	l.need(f, "at", "3h", span(&p.at))
	_, asksOpen := f.node["open"]
	_, p.asksPending = f.node["pending"]
	_, p.asksMuted = f.node["muted"]
	if !asksOpen {
		l.add(f.place, "open: is missing: want the cases that are open then, like open: [bin-full PK-1]; open: [] says that none is")
	}
	for key, into := range map[string]*[]string{"open": &p.open, "pending": &p.pending, "muted": &p.muted} {
		n, given := f.node[key]
		if given && n.Kind == yaml.SequenceNode && len(n.Content) == 0 {
			continue
		}
		l.each(f, key, func(text string) error {
			if key == "open" {
				text = strings.Join(strings.Fields(text), " ")
			} else if strings.Contains(text, gradeMark) {
				return errors.New("has no severity while no case is open")
			}
			all, err := s.places(text, set)
			*into = append(*into, all...)
			return err
		})
	}
	s.points = append(s.points, p)
}

// places checks "bin-full PK-1", "bin-full PK-1..PK-8" or "gateway-down gateway:gw-1", and
// writes rows out.
func (s *trialStory) places(text string, set *Set) ([]string, error) {
	text, grade, graded := strings.Cut(strings.TrimSpace(text), gradeMark)
	if _, err := strconv.ParseUint(grade, 10, 8); graded && err != nil {
		return nil, fmt.Errorf("%.40q is no severity: want 1 to 8", grade)
	}
	rule, where, ok := strings.Cut(text, " ")
	if !ok {
		return nil, fmt.Errorf("%.64q does not fit: want a rule and where, like bin-full PK-1 or gateway-down gateway:gw-1", text)
	}
	if set != nil {
		if err := set.known(rule); err != nil {
			return nil, err
		}
	}
	where = strings.TrimSpace(where)
	rows := []string{where}
	if sort, _, is := strings.Cut(where, ":"); !is || !slices.ContainsFunc(Groups(), func(g Group) bool { return g.String() == sort }) {
		var err error
		if rows, err = several(where); err != nil {
			return nil, err
		}
		for _, id := range rows {
			if err := s.known(id); err != nil {
				return nil, err
			}
		}
	}
	for i := range rows {
		if rows[i] = rule + " " + rows[i]; graded {
			rows[i] += gradeMark + grade
		}
	}
	return rows, nil
}

// known checks the name of a rule.
func (s *Set) known(id string) error {
	if s.byID[id] != nil {
		return nil
	}
	var ids []string
	for i := range s.rules {
		ids = append(ids, s.rules[i].ID)
	}
	return fmt.Errorf("there is no rule %.64q%s", id, typo.Meant(id, ids))
}

// change reads one line of changes, "3h opened bin-full PK-1".
func (l *trialLoader) change(n *yaml.Node, s *trialStory, set *Set) {
	one := fields{begin(n), map[string]*yaml.Node{"changes": n}}
	l.read(one, "changes", func(text string) error {
		parts := strings.Fields(text)
		if len(parts) < 4 {
			return fmt.Errorf("%.64q does not fit: want when, what, which rule and where, like 3h opened bin-full PK-1", text)
		}
		at, err := parseSpan(parts[0])
		if err != nil {
			return err
		}
		words := []string{city.Opened.String(), city.Closed.String(), city.Revoked.String(), city.Escalated.String(), city.Deescalated.String()}
		if !slices.Contains(words, parts[1]) {
			return fmt.Errorf("%.40q is no change: want one of %v%s", parts[1], words, typo.Meant(parts[1], words))
		}
		rows, err := s.places(strings.Join(parts[2:], " "), set)
		for _, row := range rows {
			s.changes = append(s.changes, wantedChange{n.Line, at, parts[1] + " " + row})
		}
		return err
	})
}
