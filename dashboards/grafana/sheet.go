package grafana

import (
	"fmt"
	"strings"
)

// What every board of ours carries: by the prefix and the mark Push knows what it may write.
const (
	uidPrefix = "meldefunk-"
	mark      = "meldefunk"
)

// The datasources' uids.
const (
	influxUID     = "meldefunk-influxdb"
	prometheusUID = "meldefunk-prometheus"
)

const (
	gridWide      = 24
	schemaVersion = 39
	noData        = "keine Daten"
	germanTime    = "time:DD.MM.YYYY HH:mm"
)

// maker knows what the boards depend on.
type maker struct {
	cfg        Config
	speaker    speaker
	influx     source
	prometheus source
}

func newMaker(cfg Config, bucket Bucket) maker {
	m := maker{cfg: cfg, influx: source{"influxdb", influxUID}, prometheus: source{"prometheus", prometheusUID}}
	m.speaker = flux{bucket.Name}
	if cfg.Language == InfluxQL {
		m.speaker = influxQL{}
	}
	m.cfg.Board = strings.TrimRight(cfg.Board, "/")
	return m
}

// sheet is a board while panels are put on it, from left to right and downwards.
type sheet struct {
	maker
	board   *Board
	x, y, h int // where the next panel goes, and how high this row is
}

func (m maker) sheet(name, title, description, from string) *sheet {
	b := &Board{
		UID: uidPrefix + name, Title: title, Description: description, Tags: []string{mark},
		TimeZone: "Europe/Berlin", WeekStart: "monday", Time: span{"now-" + from, "now"}, Refresh: "1m",
		GraphTooltip: 1, SchemaVersion: schemaVersion,
		Links: []boardLink{{Title: "Weitere Übersichten", Type: "dashboards", Icon: "external link", Tags: []string{mark}, AsDropdown: true, KeepTime: true}},
	}
	b.Templating.List, b.Annotations.List = []variable{}, []struct{}{}
	if m.cfg.Board != "" {
		b.Links = append(b.Links, boardLink{Title: "Tafel", Type: "link", Icon: "dashboard", URL: m.cfg.Board + "/", Tags: []string{}, TargetBlank: true})
	}
	return &sheet{maker: m, board: b}
}

// put places a panel of the given size behind the last one, or on a new row.
func (s *sheet) put(p panel, wide, high int) {
	if s.x+wide > gridWide {
		s.x, s.y, s.h = 0, s.y+s.h, 0
	}
	p.ID = len(s.board.Panels) + 1
	p.GridPos = gridPos{H: high, W: wide, X: s.x, Y: s.y}
	if p.Datasource == nil && len(p.Targets) > 0 {
		of := p.Targets[0].Datasource
		p.Datasource = &of
	}
	if p.FieldConfig.Overrides == nil {
		p.FieldConfig.Overrides = []override{}
	}
	if p.FieldConfig.Defaults.NoValue == "" {
		p.FieldConfig.Defaults.NoValue = noData
	}
	s.x, s.h = s.x+wide, max(s.h, high)
	s.board.Panels = append(s.board.Panels, p)
}

// refID names targets: A to Z.
func refID(n int) string { return string(rune('A' + n)) }

// ask makes targets of questions to InfluxDB.
func (m maker) ask(questions ...any) []target {
	targets := make([]target, len(questions))
	for i, q := range questions {
		query, table := words(m.speaker, q)
		targets[i] = target{RefID: refID(i), Datasource: m.influx, Query: query}
		if m.cfg.Language == InfluxQL {
			targets[i].RawQuery, targets[i].ResultFormat = true, "time_series"
			if table {
				targets[i].ResultFormat = "table"
			}
		}
	}
	return targets
}

// metric is a question to Prometheus, and the name its series get.
type metric struct{ expr, legend string }

// over makes targets of questions about a stretch of time.
func (m maker) over(metrics ...metric) []target {
	targets := make([]target, len(metrics))
	for i, q := range metrics {
		targets[i] = target{RefID: refID(i), Datasource: m.prometheus, Expr: q.expr, LegendFormat: q.legend, Range: true, Format: "time_series"}
	}
	return targets
}

// now makes targets of questions about the present.
func (m maker) now(metrics ...metric) []target {
	targets := m.over(metrics...)
	for i := range targets {
		targets[i].Instant, targets[i].Range = true, false
	}
	return targets
}

// The variables.
const (
	stadtteil = "stadtteil"
	tour      = "tour"
	anlage    = "anlage" // any number of assets, within district and tour
	einzeln   = "einzeln"
	art       = "art"
)

// choose adds the variables that narrow a board down to districts, tours and assets of a
// kind ("": any; kinds: those chosen).
func (s *sheet) choose(kind string) {
	s.chooseBy(stadtteil, "Stadtteil", kind, nil)
	s.chooseBy(tour, "Tour", kind, []string{stadtteil})
	assets := s.query(anlage, "Anlage", s.speaker.choices("id", kind, []string{stadtteil, tour}))
	assets.Multi, assets.IncludeAll = true, true
	assets.Current = choice{Selected: true, Text: []string{"All"}, Value: []string{"$__all"}}
	s.add(assets)
}

// chooseBy adds a variable of a field of places. All means all, also assets without one.
func (s *sheet) chooseBy(name, label, kind string, narrowed []string) {
	v := s.query(name, label, s.speaker.choices(fieldOf(name), kind, narrowed))
	v.Multi, v.IncludeAll, v.AllValue = true, true, ".*"
	v.Current = choice{Selected: true, Text: []string{"All"}, Value: []string{"$__all"}}
	s.add(v)
}

// chooseOne adds the variable for a single asset.
func (s *sheet) chooseOne(kind, label string) {
	s.add(s.query(einzeln, label, s.speaker.choices("id", kind, []string{stadtteil, tour})))
}

// chooseKind adds the variable for kinds of assets.
func (s *sheet) chooseKind() {
	v := variable{Type: "custom", Name: art, Label: "Art", Multi: true, IncludeAll: true, Options: []choice{}}
	var pairs, all []string
	for _, k := range shownKinds() {
		pairs = append(pairs, k.german+" : "+k.name)
		all = append(all, k.name)
	}
	v.Query, v.AllValue = strings.Join(pairs, ", "), strings.Join(all, "|")
	v.Current = choice{Selected: true, Text: []string{"All"}, Value: []string{"$__all"}}
	s.add(v)
}

func (s *sheet) add(v variable) { s.board.Templating.List = append(s.board.Templating.List, v) }

func (s *sheet) query(name, label, query string) variable {
	of := s.influx
	return variable{Type: "query", Name: name, Label: label, Datasource: &of, Query: query, Refresh: 2, Sort: 5, Options: []choice{}}
}

// assetLink leads from an asset's number to its page on the board.
func (m maker) assetLink() []dataLink {
	if m.cfg.Board == "" {
		return nil
	}
	return []dataLink{{Title: "Auf der Tafel öffnen", URL: m.cfg.Board + "/anlage/${__value.raw}", TargetBlank: true}}
}

func number(v float64) *float64 { return &v }

func digits(n int) *int { return &n }

// bands are thresholds: the colour of the lowest, then value and colour by turns.
func bands(lowest string, rising ...any) *thresholds {
	t := &thresholds{Mode: "absolute", Steps: []step{{Color: lowest}}}
	for i := 0; i+1 < len(rising); i += 2 {
		t.Steps = append(t.Steps, step{number(rising[i].(float64)), rising[i+1].(string)})
	}
	return t
}

// yesNo names the values of a yes-or-no field.
func yesNo(yes, yesColor, no, noColor string) []mapping {
	return []mapping{{Type: "value", Options: map[string]shownAs{
		"true": {Text: yes, Color: yesColor, Index: 0}, "false": {Text: no, Color: noColor, Index: 1},
	}}}
}

// on says how a field looks.
func on(field string, properties ...property) override {
	return override{matcher{"byName", field}, properties}
}

// called names what the targets give, in their order.
func called(names ...string) []override {
	all := make([]override, len(names))
	for i, name := range names {
		all[i] = override{matcher{"byFrameRefID", refID(i)}, []property{{"displayName", name}}}
	}
	return all
}

func title(name string) property { return property{"displayName", name} }

func unit(name string, decimals int) []property {
	return []property{{"unit", name}, {"decimals", decimals}}
}

func (b *Board) String() string { return fmt.Sprintf("%s (%s)", b.Title, b.UID) }
