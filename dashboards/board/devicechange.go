package board

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"meldefunk/city"
	"meldefunk/city/register"
	"meldefunk/city/visitor"
)

// Bounds of a page that changes the register.
const (
	trailShown  = 20 // entries
	mostOffered = 50 // devices on the shelf that are proposed
)

// changePage is the content of the page where a device or an asset is changed.
type changePage struct {
	Note     string // what has just been done
	Problems []wrongRow
	Facts    []fact
	Asset    link   // where the device hangs or will
	Remark   string // what somebody has noted
	Not      string // why nothing can be done here; "": it can
	Action   string // address that forms are sent to
	Seal     string
	Name     string // of who is logged in; "": he writes it himself
	Forms    []changeForm
	Trail    []trailRow
	Back     link
}

// changeForm is the form of one deed.
type changeForm struct {
	Key, Word, Help string
	Base            int64
	Fields          []input
	Open            bool
}

// deed is something that can be done with a device.
type deed struct {
	do                   Deed
	Key, Word, Help      string
	Told                 string
	asset, other, since  bool
	states               []register.State
	hanging, loose, gone bool // for devices that hang, that do not, and that are retired
}

func deeds() []deed {
	return []deed{
		{do: Install, Key: "einbauen", Word: "Einbauen", Told: "Eingebaut.", asset: true, since: true, loose: true,
			Help: "Das Gerät hängt an einer Anlage: Seine Messungen zählen von da an für sie."},
		{do: Move, Key: "umhaengen", Word: "Umhängen", Told: "Umgehängt.", asset: true, since: true, hanging: true,
			Help: "Das Gerät hängt an einer anderen Anlage. Was es vorher gemessen hat, bleibt bei der alten."},
		{do: Replace, Key: "ersetzen", Word: "Ersetzen", Told: "Ersetzt.", other: true, since: true, hanging: true,
			states: []register.State{register.InStock, register.Retired},
			Help:   "Ein anderes Gerät hängt an seiner Stelle. Verlauf, Regeln und offene Tickets bleiben bei der Anlage."},
		{do: Plan, Key: "planen", Word: "Vormerken", Told: "Vorgemerkt.", asset: true, loose: true,
			Help: "Das Gerät soll an eine Anlage kommen und hängt dort noch nicht."},
		{do: SetState, Key: "zustand", Word: "Zustand setzen", Told: "Zustand gesetzt.", since: true, hanging: true, loose: true, gone: true,
			Help: "Im Lager hängt das Gerät nirgends. In Wartung bleibt es an seiner Anlage."},
		{do: Retire, Key: "ausmustern", Word: "Ausmustern", Told: "Ausgemustert.", since: true, hanging: true, loose: true,
			Help: "Das Gerät kommt nicht wieder. Es bleibt mit seinem Verlauf bekannt; Netzwerkservern sagt es „meldefunk device sync“."},
	}
}

// fits tells whether a deed can be done with a device as it is, and with which states.
func (d *deed) fits(device *register.Device) ([]register.State, bool) {
	switch {
	case device.Hangs():
		if d.do == SetState {
			other := register.Maintenance
			if device.State == register.Maintenance {
				other = register.Installed
			}
			return []register.State{other, register.InStock}, true
		}
		return d.states, d.hanging
	case device.State == register.Retired:
		return []register.State{register.InStock}, d.gone
	case d.do == SetState:
		return []register.State{register.InStock}, device.State == register.Planned
	}
	return d.states, d.loose
}

// deviceAt gives a device of the register, and the register.
func (b *Board) deviceAt(r *http.Request) (*register.Device, register.Snapshot, error) {
	eui, err := city.ParseEUI(r.PathValue("eui"))
	if err != nil || b.opt.Registrar == nil {
		return nil, register.Snapshot{}, noDevice()
	}
	s, err := b.opt.Registrar.Register(r.Context())
	if err != nil {
		return nil, s, err
	}
	i, found := slices.BinarySearchFunc(s.Devices, eui, func(d register.Device, e city.EUI) int { return slices.Compare(d.DevEUI[:], e[:]) })
	if !found {
		return nil, s, noDevice()
	}
	return &s.Devices[i], s, nil
}

func noDevice() *problem {
	return &problem{http.StatusNotFound, "Gerät nicht im Register", "Ein Gerät mit dieser DevEUI steht nicht im Register. Geräte aus Dateien des Bestands werden dort geändert."}
}

func (b *Board) deviceForms(r *http.Request) (content, error) { return b.showDevice(r, nil) }

// showDevice shows what can be done with a device, with what is wrong with the form that was
// sent, if any.
func (b *Board) showDevice(r *http.Request, bad wrongs) (content, error) {
	d, s, err := b.deviceAt(r)
	if err != nil {
		return content{}, err
	}
	now, v := b.opt.Now(), visitor.From(r.Context())
	heard, err := b.opt.Registrar.Heard(r.Context())
	if err != nil {
		return content{}, err
	}
	p := changePage{Action: deviceChangeLink(d.DevEUI), Name: v.Name, Remark: printable(d.Note), Seal: b.seal.token(now, bySession(v)), Back: link{"Zum Inventar", "/inventar"}}
	p.Facts = []fact{{"Zustand", stateText(d.State)}, {"Modell", d.Model}, {"DevEUI", d.DevEUI.String()}}
	if d.Serial != "" {
		p.Facts = append(p.Facts, fact{"Seriennummer", printable(d.Serial)})
	}
	last := "noch nie"
	if at, ok := heard[d.DevEUI]; ok {
		last = momentOf(at, now, b.opt.Location).Age
	}
	p.Facts = append(p.Facts, fact{"Gehört", last}, fact{"Wurzelschlüssel", keysWord(d)})
	if d.Asset != "" {
		p.Asset = b.assetNamed(d.Asset)
	}
	for _, deed := range deeds() {
		states, ok := deed.fits(d)
		if !ok {
			continue
		}
		f := changeForm{Key: deed.Key, Word: deed.Word, Help: deed.Help, Base: d.Revision}
		typed := url.Values{}
		if bad != nil && r.PostForm.Get("tun") == deed.Key {
			typed, f.Open = r.PostForm, true
		}
		f.Fields = b.deedFields(&deed, d, &s, states, typed, v)
		if f.Open {
			p.Problems = bad.summary(f.Fields)
		}
		p.Forms = append(p.Forms, f)
	}
	if bad != nil && p.Problems == nil { // the form is not there any more
		p.Problems = bad.summary(nil)
	}
	entries, err := b.opt.Registrar.Trail(r.Context(), register.Trail{DevEUI: d.DevEUI, Limit: trailShown})
	if err != nil {
		return content{}, err
	}
	p.Trail = b.trailRows(entries, now)
	for _, deed := range deeds() {
		if r.URL.Query().Get("vermerkt") == deed.Key {
			p.Note = deed.Told + " Das Register ist geändert."
		}
	}
	return content{title: "Gerät " + d.DevEUI.String(), nav: "/inventar", self: p.Action, body: p}, nil
}

// deedFields are the fields of a deed, with what was typed into them.
func (b *Board) deedFields(deed *deed, d *register.Device, s *register.Snapshot, states []register.State, typed url.Values, v visitor.Visitor) []input {
	var all []input
	add := func(i input) {
		i.ID = deed.Key + "-" + i.Key
		if typed.Has(i.Key) {
			i.Value = typed.Get(i.Key)
		}
		all = append(all, i)
	}
	if deed.asset {
		at := input{Key: "anlage", Label: "Nummer der Anlage", Longest: longestNumber, Needed: true}
		if !d.Hangs() {
			at.Value = d.Asset // where it is planned
		}
		add(at)
	}
	if deed.other {
		add(input{Key: "ersatz", Label: "DevEUI des neuen Geräts", Help: "16 Zeichen, wie auf dem Gerät. Es muss im Register stehen und darf nirgends hängen.", Longest: 23, Needed: true, Known: onShelf(s)})
	}
	if len(states) > 0 {
		label := "Neuer Zustand"
		if deed.do == Replace {
			label = "Das alte Gerät ist dann"
		}
		var choices []choice
		for _, st := range states {
			choices = append(choices, choice{keyOfState(st), stateText(st), false})
		}
		add(input{Key: "zustand", Label: label, Needed: true, Choices: chosen(typed.Get("zustand"), choices...)})
	}
	if deed.since {
		add(input{Key: "seit", Label: "Seit", Help: "Leer heißt: ab jetzt. Zeiten in " + b.opt.Location.String() + ".", Type: "datetime-local"})
	}
	for _, i := range signatureFields(v) {
		add(i)
	}
	return all
}

// signatureFields are the fields that say who changes something, and why.
func signatureFields(v visitor.Visitor) []input {
	why := []input{{Key: "grund", Label: "Begründung", Longest: longestReason, Needed: true}}
	if v.Name == "" {
		why = append(why, input{Key: "name", Label: "Ihr Name", Longest: longestName, Needed: true})
	}
	return why
}

// onShelf are devices that hang nowhere, to be proposed.
func onShelf(s *register.Snapshot) []string {
	var all []string
	for i := range s.Devices {
		if d := &s.Devices[i]; d.State == register.InStock && len(all) < mostOffered {
			all = append(all, d.DevEUI.String())
		}
	}
	return all
}

// takeDevice does something with a device.
func (b *Board) takeDevice(w http.ResponseWriter, r *http.Request) {
	d, _, err := b.deviceAt(r)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	deed, c, bad := b.deviceChange(visitor.From(r.Context()), d, r.PostForm)
	if len(bad) == 0 {
		err = b.opt.Registrar.ChangeDevice(r.Context(), c)
	}
	if c.Base != d.Revision {
		err = &register.Refusal{Why: register.Overtaken}
	}
	if err != nil {
		if bad, err = b.wrongsOf(r.Context(), err, register.Trail{DevEUI: d.DevEUI}); err != nil {
			b.fail(w, r, err)
			return
		}
	}
	if len(bad) > 0 {
		page, err := b.showDevice(r, bad)
		b.again(w, r, "change", page, err)
		return
	}
	b.log.Info().Str("device", d.DevEUI.String()).Str("deed", string(c.Do)).Str("by", c.By).Msg("somebody has changed a device")
	http.Redirect(w, r, deviceChangeLink(d.DevEUI)+"?vermerkt="+deed.Key, http.StatusSeeOther)
}

// deviceChange reads a form.
func (b *Board) deviceChange(v visitor.Visitor, d *register.Device, form url.Values) (deed, DeviceChange, wrongs) {
	bad := wrongs{}
	all := deeds()
	i := slices.IndexFunc(all, func(x deed) bool { return x.Key == form.Get("tun") })
	if i < 0 {
		return deed{}, DeviceChange{Base: d.Revision}, wrongs{"": {text: "Bitte sagen, was mit dem Gerät ist."}}
	}
	x := all[i]
	c := DeviceChange{At: b.opt.Now(), Do: x.do, DevEUI: d.DevEUI, State: d.State}
	states, ok := x.fits(d)
	var err error
	if c.Base, err = strconv.ParseInt(form.Get("stand"), 10, 64); err != nil || c.Base != d.Revision {
		c.Base = -1 // of a page that is not as things are
		return x, c, bad
	}
	if !ok {
		return x, c, wrongs{"": {text: "Das geht bei diesem Gerät nicht: Es ist " + stateText(d.State) + "."}}
	}
	if x.asset {
		c.Asset, err = field(form, "anlage", "Nummer der Anlage", longestNumber, true)
		if err == nil && b.assetsByID()[c.Asset] == nil {
			_, text, _, _ := b.refused(&register.Refusal{Why: register.UnknownAsset, Asset: c.Asset})
			bad["anlage"] = wrong{text: text}
		}
		bad.add("anlage", err)
	}
	if x.other {
		text := strings.NewReplacer(" ", "", ":", "", "-", "").Replace(form.Get("ersatz"))
		if c.Other, err = city.ParseEUI(text); err != nil {
			bad["ersatz"] = wrong{text: "DevEUI des neuen Geräts: Bitte die 16 Zeichen 0 bis 9 und A bis F, wie auf dem Gerät."}
		}
	}
	if len(states) > 0 {
		s, known := deviceStateNamed(form.Get("zustand"))
		if c.State = s.state; !known || !slices.Contains(states, s.state) {
			bad["zustand"] = wrong{text: "Neuer Zustand: Bitte einen der genannten."}
		}
	}
	if x.since {
		c.Since, err = b.sinceOf(form)
		bad.add("seit", err)
	}
	c.By, c.Reason = b.signed(v, form, bad)
	return x, c, bad
}

// signed reads who changes something, and why.
func (b *Board) signed(v visitor.Visitor, form url.Values, bad wrongs) (by, reason string) {
	by, err := signature(v, form)
	bad.add("name", err)
	reason, err = field(form, "grund", "Begründung", longestReason, true)
	bad.add("grund", err)
	return by, reason
}

func deviceChangeLink(eui city.EUI) string { return "/geraet/" + eui.String() + "/aendern" }

// assetNamed links an asset, if it is there.
func (b *Board) assetNamed(id string) link {
	if a := b.assetsByID()[id]; a != nil {
		return link{nameOf(a) + " (" + id + ")", assetLink(id)}
	}
	return link{id, ""}
}

// keysWord says whether there are root keys. What they are is shown nowhere.
func keysWord(d *register.Device) string {
	if d.Keys.None() {
		return "fehlt"
	}
	return "vorhanden"
}

// wrongsOf says what is wrong where the register has refused something; who was faster stands
// in its trail. Any other error is given back.
func (b *Board) wrongsOf(ctx context.Context, refusal error, t register.Trail) (wrongs, error) {
	key, text, english, ok := b.refused(refusal)
	if !ok {
		return nil, refusal
	}
	if r, ok := errors.AsType[*register.Refusal](refusal); ok && r.Why == register.Overtaken {
		t.Limit = 1
		entries, err := b.opt.Registrar.Trail(ctx, t)
		if err != nil {
			return nil, err
		}
		for _, e := range entries {
			text += " Geändert hat es " + printable(e.By) + ", " + clock(e.At, b.opt.Location) + "."
		}
	}
	return wrongs{key: {text, english}}, nil
}
