package board

import (
	"cmp"
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// workPage is how many assets one page of the worklist shows.
const workPage = 100

// urgency is how soon somebody is needed.
type urgency int

const (
	urgentNow   urgency = iota // a case is open, or the limit is reached
	urgentSoon                 // within a day
	urgentLater                // later, or not within a month
	urgentNever                // nobody can tell
)

// work is an asset with what decides when somebody is needed there.
type work struct {
	standing
	at      urgency
	due     time.Time          // zero: nobody can tell, or not within a month
	outlook *city.Outlook      // nil: none
	open    *city.CaseTicket   // of what the asset is there for; nil: none
	others  []*city.CaseTicket // of the sensor
}

// workBody is the content of the worklist.
type workBody struct {
	Summary          string
	Strip            []stripRow
	StripMore        string
	Kinds, Districts []choice
	Tours, Ends      []choice
	Search, Cutout   string
	Whole            string // address of the same list without the cutout
	Filtered         bool
	Rows             []workRow
	Pager            pager
	Map              *cityMap
	TourLinks        []link
	Sheets           []link
}

// workRow is one line of the worklist.
type workRow struct {
	ID, Name, Link       string
	Kind, District, Tour string
	Mark                 mark
	Due, DueNote         string
	DueISO               string
	Forecast             string
	State                state
	Value                string
	Bar                  *bar
	Also                 fact // what the forecast is about, where it is another quantity
	Heard                moment
	Doubts               []string
	Last                 moment
	LastBy               string
	Case                 link
	Ticket, Owner        string
	Others               []link
}

// stripRow is one alarm above the list.
type stripRow struct {
	Symbol, Word string
	Case         link
	Asset        string
	Since        moment
	Owner        string
}

// stripShown bounds the strip: what is longer is read on the page of cases.
const stripShown = 10

// routine tells whether somebody goes to assets of a kind again and again. Of the others only
// those with an open case are on the list.
func routine(k city.Kind) bool { return k == city.Bin || k == city.Soil }

func (b *Board) worklist(r *http.Request) (content, error) {
	f, err := parseWorkFilter(r.URL.Query(), b.opt.Now().In(b.opt.Location))
	if err != nil {
		return content{}, err
	}
	all, err := b.gatherWork(r.Context(), f)
	if err != nil {
		return content{}, err
	}
	now, assets := b.opt.Now(), b.opt.Inventory.Assets()
	body := workBody{
		Search: f.search, Cutout: f.cutout.String(), Filtered: f != (workFilter{page: f.page}),
		Kinds:     kindChoices(f.kind),
		Districts: nameChoices(assets, f.district, "alle Bezirke", func(a *city.Asset) string { return a.District }),
		Tours:     nameChoices(assets, f.tour, "alle Touren", func(a *city.Asset) string { return a.Tour }),
		Ends:      endChoices(f.until), Pager: paged(f.page, workPage, len(all), f.withPage),
		Sheets: sheetLinks(f.address()),
	}
	for _, c := range body.Tours[1:] {
		if f.tour == "" || f.tour == c.Value {
			body.TourLinks = append(body.TourLinks, link{c.Word, tourLink(c.Value)})
		}
	}
	if f.cutout != (box{}) {
		whole := f
		whole.cutout, whole.page = box{}, 1
		body.Whole = whole.address()
	}
	body.Summary = workSummary(all)
	if body.Strip, body.StripMore, err = b.strip(r.Context(), now); err != nil {
		return content{}, err
	}
	for i := range all[body.Pager.from:body.Pager.to] {
		body.Rows = append(body.Rows, b.workRow(&all[body.Pager.from+i], now))
	}
	if err := b.visited(r.Context(), body.Rows, now); err != nil {
		return content{}, err
	}
	body.Map = b.drawMap(all, f)
	f.page = body.Pager.Page
	return content{title: "Arbeitsliste", nav: "/arbeit", self: f.address(), body: body,
		sheet: func() sheet { return b.workSheet(all, now) }}, nil
}

// gatherWork gives what is to be done in the order in which it is due: what is open, by how
// long it has been; then by forecast; then what nobody can tell.
func (b *Board) gatherWork(ctx context.Context, f workFilter) ([]work, error) {
	latest, err := b.opt.Store.Latest(ctx)
	if err != nil {
		return nil, err
	}
	open, err := b.openCases(ctx)
	if err != nil {
		return nil, err
	}
	outlooks, err := b.opt.Rules.Outlooks(ctx)
	if err != nil {
		return nil, err
	}
	cases := map[string][]*city.CaseTicket{}
	for i := range open {
		cases[open[i].Case.Asset] = append(cases[open[i].Case.Asset], &open[i])
	}
	now := b.opt.Now()
	known := b.standings(b.opt.Inventory.Assets(), latest, filter{kind: f.kind, district: f.district, tour: f.tour}, now)
	all := make([]work, 0, len(known))
	for _, s := range known {
		w := work{standing: s, at: urgentNever}
		for _, c := range cases[s.asset.ID] {
			switch {
			case ofSensor(&c.Case):
				w.others = append(w.others, c)
			case w.open == nil:
				w.open = c
			}
		}
		if !routine(s.asset.Kind) && w.open == nil || !f.fits(s.asset) {
			continue
		}
		w.outlook = mainOutlook(outlooks[s.asset.ID], s.asset.Kind)
		w.judge(now)
		if !f.end.IsZero() && (w.due.IsZero() || !w.due.Before(f.end)) {
			continue
		}
		all = append(all, w)
	}
	slices.SortFunc(all, func(x, y work) int {
		return cmp.Or(cmp.Compare(x.group(), y.group()), x.due.Compare(y.due), cmp.Compare(y.value, x.value), cmp.Compare(x.place, y.place))
	})
	return all, nil
}

// judge says when somebody is needed.
func (w *work) judge(now time.Time) {
	switch o := w.outlook; {
	case w.open != nil:
		w.at, w.due = urgentNow, w.open.Case.Since
	case o == nil || o.Reliability == city.ReliabilityNone || w.state.Key == "ohne-daten":
	case o.Due.IsZero():
		w.at = urgentLater
	default:
		w.due, w.at = o.Due, urgentLater
		if !o.Due.After(now) {
			w.at = urgentNow
		} else if o.Due.Before(now.Add(24 * time.Hour)) {
			w.at = urgentSoon
		}
	}
}

// served is when the sensor last saw the bin emptied or the tree watered, as far as its last
// readings reach; zero: they show nothing of the kind. What is smaller than leastServed is
// rubbish that settles, or dew.
func (w *work) served() time.Time {
	if o := w.outlook; o != nil && o.Jump >= leastServed {
		return o.Jumped
	}
	return time.Time{}
}

// leastServed is in % of the fill level, or of the usable field capacity.
const leastServed = 15

// group keeps what is open before what is expected, and that before what nobody can tell.
func (w *work) group() int {
	switch {
	case w.open != nil:
		return 0
	case !w.due.IsZero():
		return 1
	case w.at == urgentLater:
		return 2
	}
	return 3
}

// mainOutlook is the one of what an asset of a kind is there for that is due first; where none
// is, that which says most.
func mainOutlook(all []city.Outlook, k city.Kind) *city.Outlook {
	var best *city.Outlook
	for i := range all {
		o := &all[i]
		if !slices.Contains(looksAt(k), o.Quantity) && o.Quantity != city.UsableFieldCapacity {
			continue
		}
		if best == nil || best.Due.IsZero() && !o.Due.IsZero() || !o.Due.IsZero() && o.Due.Before(best.Due) ||
			best.Due.IsZero() && o.Reliability > best.Reliability {
			best = o
		}
	}
	return best
}

// ofSensor tells whether a case is about the sensor and not about what it watches: silence and
// faults, which were not measured, and batteries.
func ofSensor(c *city.Case) bool {
	switch c.Quantity {
	case city.QuantityUnknown, city.BatteryLevel, city.BatteryVoltage, city.BatteryLow:
		return true
	}
	return false
}

func workSummary(all []work) string {
	now, soon, never := 0, 0, 0
	for i := range all {
		switch all[i].at {
		case urgentNow:
			now++
		case urgentSoon:
			soon++
		case urgentNever:
			never++
		}
	}
	return counted(len(all), "Anlage", "Anlagen") + ": " + count(now) + " jetzt, " + count(soon) + " in den nächsten 24" + nbsp + "Stunden fällig, " + count(never) + " ohne Vorhersage."
}

func (b *Board) workRow(w *work, now time.Time) workRow {
	base := b.assetRow(w.standing, 0, now)
	row := workRow{
		ID: base.ID, Name: base.Name, Link: base.Link, Kind: base.Kind, District: base.District, Tour: base.Tour,
		Mark: markOf(w.at), State: base.State, Value: base.Value, Bar: base.Bar, Heard: base.Heard, Doubts: doubts(w),
	}
	if row.Value == "" && len(base.Facts) > 0 {
		row.Value = base.Facts[0].Value
	}
	row.Due, row.DueNote = b.dueWords(w, now)
	if !w.due.IsZero() {
		row.DueISO = w.due.UTC().Format(time.RFC3339)
	}
	row.Forecast = forecastWords(w.outlook, w.open != nil)
	if o := w.outlook; o != nil && o.Quantity != w.main && o.Reliability != city.ReliabilityNone {
		row.Also = fact{quantityWord(w.asset.Kind, o.Quantity), amount(o.Quantity, o.Value)}
	}
	if at := w.served(); !at.IsZero() {
		row.Last, row.LastBy = momentOf(at, now, b.opt.Location), "laut Sensor"
	}
	if w.open != nil {
		row.Case = link{w.open.Case.Title, caseLink(w.open.Case.Ref)}
		row.Ticket, row.Owner = cmp.Or(w.open.Ticket.ExternalID, ticketWord(&w.open.Ticket)), ownerOf(&w.open.Ticket)
	}
	for _, c := range w.others {
		row.Others = append(row.Others, link{c.Case.Title, caseLink(c.Case.Ref)})
	}
	return row
}

// visited fills in where people say that they were later than a sensor has seen it.
func (b *Board) visited(ctx context.Context, rows []workRow, now time.Time) error {
	if b.opt.Tours == nil {
		return nil
	}
	ids := make([]string, len(rows))
	for i := range rows {
		ids[i] = rows[i].ID
	}
	done, err := b.opt.Tours.LastDone(ctx, ids)
	if err != nil {
		return err
	}
	for i := range done {
		v := &done[i]
		at := momentOf(v.At, now, b.opt.Location)
		if row := &rows[slices.Index(ids, v.Asset)]; at.ISO > row.Last.ISO {
			row.Last, row.LastBy = at, printable(v.By)
		}
	}
	return nil
}

// dueWords say when somebody is needed, and why then.
func (b *Board) dueWords(w *work, now time.Time) (due, note string) {
	switch {
	case w.open != nil:
		return "jetzt", "Meldung offen seit " + clock(w.open.Case.Since, b.opt.Location)
	case w.due.IsZero() && w.at == urgentLater:
		return "nicht absehbar", "nicht in den nächsten 30" + nbsp + "Tagen"
	case w.due.IsZero():
		return "unbekannt", "zu wenige Messungen"
	case !w.due.After(now):
		return "jetzt", "nach Vorhersage seit " + clock(w.due, b.opt.Location)
	}
	return ahead(w.due.Sub(now)), clock(w.due, b.opt.Location)
}

// forecastWords say what a forecast rests on.
func forecastWords(o *city.Outlook, open bool) string {
	if o == nil || o.Reliability == city.ReliabilityNone {
		return ""
	}
	limit := amount(o.Quantity, o.Limit)
	if o.Due.Equal(o.At) {
		return "Grenze " + limit + " erreicht"
	}
	if open {
		return ""
	}
	word := reliabilityWord(o.Reliability)
	if o.Due.IsZero() {
		return "bis " + limit + ", Verlässlichkeit " + word
	}
	return "dann " + limit + " (" + signed(o.Slope, 1) + nbsp + o.Quantity.Unit() + "/h), Verlässlichkeit " + word
}

func reliabilityWord(r city.Reliability) string {
	return [...]string{"", "gering", "mittel", "hoch"}[r]
}

// doubts say why a value is to be taken with care.
func doubts(w *work) []string {
	if w.reading == nil {
		return nil
	}
	all := faultWords(w.reading.Faults)
	if w.reading.Time.Source == city.TimeEstimated {
		all = append(all, "Zeit geschätzt")
	}
	if w.reading.Conflict {
		all = append(all, "widersprüchliche Meldungen")
	}
	return all
}

// ownerOf says who looks after a ticket.
func ownerOf(t *city.Ticket) string {
	if t.Acknowledged != "" {
		return "übernommen von " + t.Acknowledged
	}
	if t.Unit != "" {
		return t.Unit + ", noch nicht übernommen"
	}
	return "noch von niemandem übernommen"
}

// strip gives what must be seen before everything else, the newest first: fire and heat, what
// fell over, was opened or stands in water.
func (b *Board) strip(ctx context.Context, now time.Time) (rows []stripRow, more string, err error) {
	open, err := b.openCases(ctx)
	if err != nil {
		return nil, "", err
	}
	assets := b.assetsByID()
	n := 0
	for _, c := range slices.Backward(open) {
		symbol, word := alarm(&c.Case)
		if word == "" {
			continue
		}
		if n++; n > stripShown {
			continue
		}
		row := stripRow{Symbol: symbol, Word: word, Case: link{c.Case.Title, caseLink(c.Case.Ref)}, Asset: cmp.Or(c.Case.Asset, groupWord(c.Case.Group)),
			Since: momentOf(c.Case.Since, now, b.opt.Location), Owner: ownerOf(&c.Ticket)}
		if a := assets[c.Case.Asset]; a != nil {
			row.Asset = nameOf(a)
		}
		rows = append(rows, row)
	}
	if n > stripShown {
		more = "und " + counted(n-stripShown, "weiterer Alarm", "weitere Alarme")
	}
	return rows, more, nil
}

// alarm says what sort of alarm a case is; "": none.
func alarm(c *city.Case) (symbol, word string) {
	switch c.Quantity {
	case city.FireAlarm:
		return "▲", "Brand"
	case city.Temperature, city.ProbeTemperature:
		return "▲", "Hitze"
	case city.Tilt, city.TiltAngle:
		return "◢", "gekippt"
	case city.Tampered:
		return "✕", "geöffnet oder abgenommen"
	case city.Leak:
		return "≈", "Wasser"
	}
	return "", ""
}

// workSheet is the worklist as a table of its own.
func (b *Board) workSheet(all []work, now time.Time) sheet {
	s := sheet{name: "arbeitsliste", head: []column{
		{"Nummer", "asset"}, {"Name", "name"}, {"Art", "kind"}, {"Bezirk", "district"}, {"Tour", "tour"}, {"Fällig", "due"}, {"Dringlichkeit", "urgency"},
		{"Größe", "quantity"}, {"Wert", "value"}, {"Einheit", "unit"}, {"Gemessen", "measured"}, {"Zustand", "state"}, {"Grenze", "limit"}, {"Änderung je Stunde", "slope_per_hour"},
		{"Verlässlichkeit", "reliability"}, {"Zuletzt geleert oder gewässert", "served"}, {"Vorgang", "case"}, {"Ticket", "ticket"}, {"Zuständig", "owner"}, {"Zweifel", "doubts"},
	}}
	reliability := [...]string{"", "low", "medium", "high"}
	for i := range all {
		w := &all[i]
		row := []cell{text(w.asset.ID), text(nameOf(w.asset)), worded(w.asset.Kind.German(), w.asset.Kind.String()), text(w.asset.District), text(w.asset.Tour),
			b.instant(w.due), worded(markOf(w.at).Word, [...]string{"now", "soon", "later", "unknown"}[w.at])}
		if w.main != city.QuantityUnknown {
			row = append(row, worded(w.main.German(), w.main.String()), measured(w.main, w.value), text(w.main.Unit()))
		} else {
			row = append(row, text(""), text(""), text(""))
		}
		row = append(row, b.instant(w.standing.at()), worded(w.state.Word, w.state.Key))
		if o := w.outlook; o != nil && o.Reliability > city.ReliabilityNone {
			row = append(row, measured(o.Quantity, o.Limit), decimal(o.Slope, 3), worded(reliabilityWord(o.Reliability), reliability[o.Reliability]), b.instant(w.served()))
		} else {
			row = append(row, text(""), text(""), text(""), text(""))
		}
		if w.open != nil {
			row = append(row, text(w.open.Case.Ref), text(w.open.Ticket.ExternalID), text(ownerOf(&w.open.Ticket)))
		} else {
			row = append(row, text(""), text(""), text(""))
		}
		s.rows = append(s.rows, append(row, text(strings.Join(doubts(w), ", "))))
	}
	return s
}

// tourLink is where a tour's sheet stands.
func tourLink(name string) string { return "/tour/" + url.PathEscape(name) }
