package api

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"meldefunk/city"
	"meldefunk/city/visitor"
)

// readingBody is a reading as it is told. Device and radio are for those who may read devices.
type readingBody struct {
	ID        int64          `json:"id"`
	Asset     string         `json:"asset"`
	Kind      string         `json:"kind"`
	Time      time.Time      `json:"time"` // event time
	Source    string         `json:"time_source"`
	Received  time.Time      `json:"received"`
	State     string         `json:"state"` // ok, partial, fault
	Values    map[string]any `json:"values"`
	Faults    []city.Fault   `json:"faults,omitempty"`
	Late      bool           `json:"late,omitempty"`
	Simulated bool           `json:"simulated,omitempty"`
	Conflict  bool           `json:"conflict,omitempty"`
	Device    *deviceOfBody  `json:"device,omitempty"`
}

// deviceOfBody is which device a reading is of, and how well its frame was heard.
type deviceOfBody struct {
	DevEUI          city.EUI `json:"dev_eui"`
	Model           string   `json:"model"`
	FCnt            uint32   `json:"fcnt"`
	RSSI            int16    `json:"rssi"` // dBm
	SNR             float32  `json:"snr"`  // dB
	SpreadingFactor uint8    `json:"spreading_factor,omitempty"`
	Gateways        uint8    `json:"gateways"`
}

// bodyOfReading tells a reading; withDevice for those who may read devices.
func bodyOfReading(r *city.Reading, withDevice bool) readingBody {
	b := readingBody{
		ID: r.ID, Asset: r.Asset, Kind: r.Kind.String(), Time: r.Time.At.UTC(), Source: r.Time.Source.String(), Received: r.Received.UTC(),
		State: r.State(), Values: make(map[string]any, len(r.Values)), Faults: r.Faults, Late: r.Late, Simulated: r.Simulated, Conflict: r.Conflict,
	}
	for _, v := range r.Values {
		b.Values[v.Quantity.String()] = number(v)
	}
	if withDevice {
		b.Device = &deviceOfBody{r.DevEUI, r.Model, r.FCnt, r.Radio.RSSI, r.Radio.SNR, r.Radio.SpreadingFactor, r.Radio.Gateways}
	}
	return b
}

// number is a value as JSON has it.
func number(v city.Value) any {
	if v.Quantity.Boolean() {
		return v.Number != 0
	}
	return v.Number
}

func (a *API) latest(c call) (any, error) {
	all, err := a.opt.Store.Latest(c)
	if err != nil {
		return nil, err
	}
	newest := make(map[string]*city.Reading, len(all))
	for i := range all {
		newest[all[i].Asset] = &all[i]
	}
	found, limit, err := a.chosen(c, func(one *city.Asset) bool { return newest[one.ID] != nil })
	if err != nil {
		return nil, err
	}
	items, more := make([]readingBody, 0, limit), len(found) > limit
	for _, one := range found[:min(len(found), limit)] {
		items = append(items, bodyOfReading(newest[one.ID], c.visitor.May.Have(visitor.ReadDevices)))
	}
	return c.page(items, more, lastID(found, limit)), nil
}

func (a *API) readings(c call) (any, error) {
	one, err := a.theAsset(c)
	if err != nil {
		return nil, err
	}
	q, err := readingQuery(c.query)
	if err != nil {
		return nil, err
	}
	q.Asset = one.ID
	limit := q.Limit
	q.Limit++ // to see whether there are more
	found, err := a.opt.Store.Readings(c, q)
	if err != nil {
		return nil, err
	}
	more := len(found) > limit
	found = found[:min(len(found), limit)]
	items := make([]readingBody, 0, len(found))
	last := ""
	for i := range found {
		items = append(items, bodyOfReading(&found[i], c.visitor.May.Have(visitor.ReadDevices)))
		last = fmt.Sprintf("%d.%d", found[i].Time.At.UnixNano(), found[i].ID)
	}
	return c.page(items, more, last), nil
}

func readingQuery(q query) (r city.ReadingQuery, err error) {
	if r.Limit, err = q.limit(); err != nil {
		return r, err
	}
	if r.From, err = q.time("from"); err != nil {
		return r, err
	}
	if r.To, err = q.time("to"); err != nil {
		return r, err
	}
	if !r.From.IsZero() && !r.To.IsZero() && r.To.Before(r.From) {
		return r, badArgument("to", "is before from")
	}
	switch order := q.word("order"); order {
	case "desc", "":
		r.NewestFirst = true
	case "asc":
	default:
		return r, badArgument("order", "%.40q: want desc, the newest first, or asc", order)
	}
	after, err := q.cursor()
	if err != nil || after == "" {
		return r, err
	}
	at, id, _ := strings.Cut(after, ".")
	nanos, err := strconv.ParseInt(at, 10, 64)
	if err != nil {
		return r, badCursor()
	}
	if r.AfterID, err = strconv.ParseInt(id, 10, 64); err != nil {
		return r, badCursor()
	}
	r.AfterTime = time.Unix(0, nanos)
	return r, nil
}

// quantityBody is a quantity as it is told.
type quantityBody struct {
	Name    string   `json:"name"`
	Title   string   `json:"title"` // German
	Unit    string   `json:"unit,omitempty"`
	Boolean bool     `json:"boolean,omitempty"`
	Min     *float64 `json:"min,omitempty"` // what is physically possible
	Max     *float64 `json:"max,omitempty"`
}

func (a *API) quantities(call) (any, error) {
	var items []quantityBody
	for _, q := range city.Quantities() {
		b := quantityBody{Name: q.String(), Title: q.German(), Unit: q.Unit(), Boolean: q.Boolean()}
		if !b.Boolean {
			low, high := q.Range()
			b.Min, b.Max = &low, &high
		}
		items = append(items, b)
	}
	return list{Items: items}, nil
}
