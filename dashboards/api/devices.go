package api

import (
	"bytes"
	"slices"
	"strings"
	"time"

	"meldefunk/city"
)

// deviceBody is a device as it is told.
type deviceBody struct {
	DevEUI city.EUI   `json:"dev_eui"`
	Model  string     `json:"model"`
	Asset  string     `json:"asset"`
	Server string     `json:"server,omitempty"` // the only one whose messages count
	Heard  *time.Time `json:"heard,omitempty"`  // our clock; missing: no frame is stored

	// Of a single one.
	Battery   *float64      `json:"battery,omitempty"` // %, as it told its network server
	External  *bool         `json:"external_power,omitempty"`
	Margin    *int8         `json:"margin,omitempty"` // dB
	StatusAt  *time.Time    `json:"status_at,omitempty"`
	Position  *positionBody `json:"position,omitempty"` // that a network server resolved
	LocatedAt *time.Time    `json:"located_at,omitempty"`
	Events    []eventBody   `json:"events,omitempty"` // newest first
}

// eventBody is something worth knowing about a device that is no reading.
type eventBody struct {
	At       time.Time `json:"at"`
	Kind     string    `json:"kind"`
	Severity string    `json:"severity"`
	Server   string    `json:"server,omitempty"`
	Code     string    `json:"code,omitempty"`
	Detail   string    `json:"detail,omitempty"`
	Count    int64     `json:"count"`
}

// some gives a time, nil for none.
func some(t time.Time) *time.Time {
	if t.IsZero() {
		return nil
	}
	t = t.UTC()
	return &t
}

// installed are the devices that hang somewhere, by DevEUI.
func (a *API) installed() []*city.Device {
	var all []*city.Device
	for _, one := range a.opt.Inventory.Assets() {
		all = append(all, a.opt.Inventory.Devices(one.ID)...)
	}
	slices.SortFunc(all, func(x, y *city.Device) int { return bytes.Compare(x.DevEUI[:], y.DevEUI[:]) })
	return all
}

func bodyOfDevice(d *city.Device, heard map[city.EUI]time.Time) deviceBody {
	return deviceBody{DevEUI: d.DevEUI, Model: d.Model, Asset: d.Asset, Server: d.Server, Heard: some(heard[d.DevEUI])}
}

func (a *API) devices(c call) (any, error) {
	limit, err := c.query.limit()
	if err != nil {
		return nil, err
	}
	after, err := c.query.cursor()
	if err != nil {
		return nil, err
	}
	heard, err := a.opt.Store.LastHeard(c)
	if err != nil {
		return nil, err
	}
	asset, model := c.query.word("asset"), c.query.word("model")
	items := make([]deviceBody, 0, limit)
	for _, d := range a.installed() {
		if asset != "" && d.Asset != asset || model != "" && d.Model != model || d.DevEUI.String() <= after {
			continue
		}
		if len(items) == limit {
			return c.page(items, true, items[limit-1].DevEUI.String()), nil
		}
		items = append(items, bodyOfDevice(d, heard))
	}
	return c.page(items, false, ""), nil
}

func (a *API) device(c call) (any, error) {
	devEUI, err := city.ParseEUI(c.path("eui"))
	if err != nil {
		return nil, notFound(err.Error())
	}
	all := a.installed()
	i := slices.IndexFunc(all, func(d *city.Device) bool { return d.DevEUI == devEUI })
	if i < 0 {
		return nil, notFound("device " + devEUI.String() + " hangs nowhere; " + Base + "/devices lists those that do")
	}
	heard, err := a.opt.Store.LastHeard(c)
	if err != nil {
		return nil, err
	}
	news, err := a.opt.Store.DeviceNews(c, devEUI, city.MaxDeviceEvents)
	if err != nil {
		return nil, err
	}
	b := bodyOfDevice(all[i], heard)
	if s := news.Status; s != nil {
		if s.HasBattery {
			b.Battery = &s.Battery
		}
		b.External, b.Margin, b.StatusAt = &s.External, &s.Margin, some(news.StatusAt)
	}
	if news.Position != nil {
		b.Position, b.LocatedAt = positionOf(news.Position), some(news.LocatedAt)
	}
	for _, e := range news.Events {
		b.Events = append(b.Events, eventBody{e.At.UTC(), string(e.Kind), e.Severity.String(), e.Server, e.Code, e.Detail, e.Count})
	}
	return b, nil
}

// gatewayBody is a gateway as the newest readings know it.
type gatewayBody struct {
	ID     string    `json:"id"`
	Assets int       `json:"assets"` // whose newest reading it heard best
	Heard  time.Time `json:"heard"`  // the newest of them
	RSSI   float64   `json:"rssi"`   // dBm, mean of them
	SNR    float64   `json:"snr"`    // dB, likewise
}

func (a *API) gateways(c call) (any, error) {
	limit, err := c.query.limit()
	if err != nil {
		return nil, err
	}
	after, err := c.query.cursor()
	if err != nil {
		return nil, err
	}
	newest, err := a.opt.Store.Latest(c)
	if err != nil {
		return nil, err
	}
	known := map[string]*gatewayBody{}
	for i := range newest {
		r := &newest[i]
		if r.Radio.Gateway == "" {
			continue
		}
		g := known[r.Radio.Gateway]
		if g == nil {
			g = &gatewayBody{ID: r.Radio.Gateway}
			known[g.ID] = g
		}
		g.Assets++
		g.RSSI += float64(r.Radio.RSSI)
		g.SNR += float64(r.Radio.SNR)
		if r.Received.After(g.Heard) {
			g.Heard = r.Received.UTC()
		}
	}
	items := []gatewayBody{}
	for _, g := range known {
		if g.ID > after {
			g.RSSI, g.SNR = g.RSSI/float64(g.Assets), g.SNR/float64(g.Assets)
			items = append(items, *g)
		}
	}
	slices.SortFunc(items, func(x, y gatewayBody) int { return strings.Compare(x.ID, y.ID) })
	if len(items) > limit {
		return c.page(items[:limit], true, items[limit-1].ID), nil
	}
	return c.page(items, false, ""), nil
}

// asideBody is how much was set aside for one reason.
type asideBody struct {
	Reason   city.Reason `json:"reason"`
	Messages int64       `json:"messages"` // different ones
	Arrivals int64       `json:"arrivals"` // repeats included
}

func (a *API) setAside(c call) (any, error) {
	counts, err := a.opt.Store.AsideCounts(c, city.AsideFilter{})
	if err != nil {
		return nil, err
	}
	items := make([]asideBody, 0, len(counts))
	for _, n := range counts {
		items = append(items, asideBody{n.Reason, n.Messages, n.Arrivals})
	}
	return list{Items: items}, nil
}
