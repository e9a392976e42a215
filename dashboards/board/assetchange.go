package board

import (
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

// assetField is a fact of an asset that can be put right here.
type assetField struct {
	input
	column string // of a sheet; Key is that, but for the name, which a form has of its sender
	value  string // as it is kept
	number bool
	least  float64 // of a number
	most   float64
}

// assetAt gives an asset of the register; filed is one that stands in a file.
func (b *Board) assetAt(r *http.Request) (a *register.Asset, filed *city.Asset, err error) {
	id := r.PathValue("id")
	if b.opt.Registrar != nil {
		s, err := b.opt.Registrar.Register(r.Context())
		if err != nil {
			return nil, nil, err
		}
		if i, found := slices.BinarySearchFunc(s.Assets, id, func(a register.Asset, id string) int { return strings.Compare(a.ID, id) }); found {
			return &s.Assets[i], nil, nil
		}
	}
	if filed = b.assetsByID()[id]; filed == nil {
		err = &problem{http.StatusNotFound, "Anlage nicht gefunden", "Eine Anlage mit dieser Nummer steht nicht im Bestand."}
	}
	return nil, filed, err
}

func (b *Board) assetForm(r *http.Request) (content, error) { return b.showAssetForm(r, nil) }

// showAssetForm shows what can be put right about an asset, with what is wrong with the form
// that was sent, if any.
func (b *Board) showAssetForm(r *http.Request, bad wrongs) (content, error) {
	a, filed, err := b.assetAt(r)
	if err != nil {
		return content{}, err
	}
	if filed != nil {
		p := changePage{Not: "Diese Anlage steht in einer Datei des Bestands und wird dort geändert.", Back: link{"Zur Anlage", assetLink(filed.ID)},
			Facts: []fact{{"Nummer", filed.ID}, {"Art", filed.Kind.German()}}}
		return content{title: "Angaben zu " + nameOf(filed), nav: "/inventar", body: p}, nil
	}
	now, v := b.opt.Now(), visitor.From(r.Context())
	p := changePage{Action: assetChangeLink(a.ID), Name: v.Name, Seal: b.seal.token(now, bySession(v)), Back: link{"Zur Anlage", assetLink(a.ID)},
		Facts: []fact{{"Nummer", a.ID}, {"Art", a.Kind.German()}}}
	if a.Bin != nil && a.Bin.Shape != city.Linear {
		p.Facts = append(p.Facts, fact{"Form des Behälters", "eigene; sie ändert „meldefunk device set“"})
	}
	f := changeForm{Key: "angaben", Word: "Angaben ändern", Help: "Was leer ist, gilt als unbekannt. Neue Maße zählen für Messungen, die von jetzt an kommen.", Base: a.Revision, Open: true}
	var typed url.Values
	if bad != nil {
		typed = r.PostForm
	}
	for _, x := range b.assetFields(a) {
		if typed.Has(x.Key) {
			x.Value = typed.Get(x.Key)
		}
		if x.Choices != nil {
			x.Choices = chosen(x.Value, x.Choices...)
		}
		f.Fields = append(f.Fields, x.input)
	}
	for _, i := range signatureFields(v) {
		i.ID, i.Value = "angaben-"+i.Key, typed.Get(i.Key)
		f.Fields = append(f.Fields, i)
	}
	p.Problems = bad.summary(f.Fields)
	p.Forms = []changeForm{f}
	entries, err := b.opt.Registrar.Trail(r.Context(), register.Trail{Asset: a.ID, Limit: trailShown})
	if err != nil {
		return content{}, err
	}
	p.Trail = b.trailRows(entries, now)
	switch r.URL.Query().Get("vermerkt") {
	case "angaben":
		p.Note = "Angaben geändert."
	case "nichts":
		p.Note = "Es war nichts anders; das Register ist, wie es war."
	}
	return content{title: "Angaben zu " + nameOf(&a.Asset), nav: "/inventar", self: p.Action, body: p}, nil
}

// assetFields are the facts of an asset that can be put right here, by its kind.
func (b *Board) assetFields(a *register.Asset) []assetField {
	var all []assetField
	text := func(key, label, value string, longest int, known []string) {
		all = append(all, assetField{input: input{Key: key, Label: label, Longest: longest, Known: known}, value: value})
	}
	number := func(key, label, help string, value *float64, least, most float64) {
		x := assetField{input: input{Key: key, Label: label, Help: help, Longest: 24, Mode: "decimal"}, number: true, least: least, most: most}
		if value != nil {
			x.value = strconv.FormatFloat(*value, 'f', -1, 64)
		}
		all = append(all, x)
	}
	assets := b.opt.Inventory.Assets()
	names := func(of func(*city.Asset) string) []string {
		var words []string
		for _, c := range nameChoices(assets, "", "", of)[1:] {
			words = append(words, c.Value)
		}
		return words[:min(len(words), mostOffered)]
	}
	text("bezeichnung", "Name der Anlage", a.Name, longestReason, nil)
	text("address", "Adresse", a.Address, longestReason, nil)
	text("district", "Bezirk", a.District, longestNumber, names(func(a *city.Asset) string { return a.District }))
	text("tour", "Tour", a.Tour, longestNumber, names(func(a *city.Asset) string { return a.Tour }))
	var lat, lon *float64
	if a.Position != nil {
		lat, lon = &a.Position.Lat, &a.Position.Lon
	}
	number("lat", "Breite", "Grad, WGS 84, wie 52,27750. Entweder beide oder keine.", lat, -90, 90)
	number("lon", "Länge", "Grad, WGS 84, wie 8,04170", lon, -180, 180)
	_, furthest := city.Distance.Range()
	if (a.Kind == city.Bin || a.Kind == city.Level) && (a.Bin == nil || a.Bin.Shape != city.Table) {
		var empty, full, offset *float64
		if a.Bin != nil {
			empty, full = &a.Bin.Empty, &a.Bin.Full
			if a.Bin.Offset != 0 {
				offset = &a.Bin.Offset
			}
		}
		number("empty_mm", "Abstand leer in mm", "Vom Sensor bis zum Boden des leeren Behälters", empty, 0, furthest)
		number("full_mm", "Abstand voll in mm", "Vom Sensor bis zum Inhalt, wenn er als voll gilt", full, 0, furthest)
		number("offset_mm", "Einbauversatz in mm", "Wird zu jeder Messung gezählt; tiefer eingebaut ist positiv", offset, -furthest, furthest)
	}
	if a.Kind == city.Level {
		var zero *float64
		if a.Level != nil {
			zero = &a.Level.Zero
		}
		_, deepest := city.WaterLevel.Range()
		number("zero_mm", "Abstand zum Pegelnull in mm", "Vom Sensor hinab bis zum Nullpunkt des Pegels", zero, 0, deepest)
	}
	if a.Kind == city.Soil {
		none := choice{"", "keine Angabe", false}
		x := assetField{input: input{Key: "soil_type", Label: "Bodenart", Help: "Nach der Bodenkundlichen Kartieranleitung (KA5)"}}
		if is, err := city.SoilOfType(a.SoilType); a.Soil != nil && err == nil && is == *a.Soil {
			x.value = a.SoilType
		} else if a.Soil != nil {
			none.Word = "eigene Werte: Feldkapazität" + nbsp + number1(a.Soil.FieldCapacity) + nbsp + "%, Welkepunkt" + nbsp + number1(a.Soil.WiltingPoint) + nbsp + "%"
		}
		x.Choices = []choice{none}
		for _, name := range city.SoilTypes() {
			x.Choices = append(x.Choices, choice{name, name, false})
		}
		all = append(all, x)
	}
	text("asset_note", "Bemerkung", a.Note, longestReason, nil)
	for i := range all {
		all[i].ID, all[i].column = "angaben-"+all[i].Key, all[i].Key
		if all[i].Key == "bezeichnung" {
			all[i].column = "name"
		}
		if all[i].Value = all[i].value; all[i].number {
			all[i].Value = strings.Replace(all[i].value, ".", ",", 1)
		}
	}
	return all
}

func number1(v float64) string { return number(v, 1) }

// takeAsset puts right what is known of an asset.
func (b *Board) takeAsset(w http.ResponseWriter, r *http.Request) {
	a, filed, err := b.assetAt(r)
	if err == nil && filed != nil {
		err = forbidden("Diese Anlage steht in einer Datei des Bestands und wird dort geändert.")
	}
	if err != nil {
		b.fail(w, r, err)
		return
	}
	c, bad := b.assetChange(visitor.From(r.Context()), a, r.PostForm)
	done := "nichts"
	if len(bad) == 0 && len(c.Fields) > 0 {
		done, err = "angaben", b.opt.Registrar.ChangeAsset(r.Context(), c)
	}
	if c.Base != a.Revision {
		err = &register.Refusal{Why: register.Overtaken}
	}
	if err != nil {
		if bad, err = b.wrongsOf(r.Context(), err, register.Trail{Asset: a.ID}); err != nil {
			b.fail(w, r, err)
			return
		}
	}
	if len(bad) > 0 {
		page, err := b.showAssetForm(r, bad)
		b.again(w, r, "change", page, err)
		return
	}
	b.log.Info().Str("asset", a.ID).Int("fields", len(c.Fields)).Str("by", c.By).Msg("somebody has changed an asset")
	http.Redirect(w, r, assetChangeLink(a.ID)+"?vermerkt="+done, http.StatusSeeOther)
}

// assetChange reads a form. What is as it was is not told.
func (b *Board) assetChange(v visitor.Visitor, a *register.Asset, form url.Values) (AssetChange, wrongs) {
	bad := wrongs{}
	c := AssetChange{At: b.opt.Now(), Asset: a.ID, Fields: map[string]string{}}
	var err error
	if c.Base, err = strconv.ParseInt(form.Get("stand"), 10, 64); err != nil || c.Base != a.Revision {
		c.Base = -1 // of a page that is not as things are
		return c, bad
	}
	is, numbers := map[string]string{}, map[string]float64{}
	for _, x := range b.assetFields(a) {
		text := x.value
		switch {
		case !form.Has(x.Key):
			if x.number && text != "" {
				numbers[x.Key], err = strconv.ParseFloat(text, 64)
			}
		case x.number:
			var n float64
			if text, n, err = readDecimal(form, x.Key, x.Label, x.most > 180); err == nil && text != "" && !(n >= x.least && n <= x.most) {
				err = errors.New(x.Label + ": Bitte eine Zahl von " + number(x.least, 0) + " bis " + number(x.most, 0) + ".")
			}
			numbers[x.Key] = n
		case x.Choices != nil:
			if text = form.Get(x.Key); !slices.ContainsFunc(x.Choices, func(c choice) bool { return c.Value == text }) {
				err = errors.New(x.Label + ": Bitte eine der genannten.")
			}
		default:
			text, err = field(form, x.Key, x.Label, x.Longest, false)
		}
		bad.add(x.Key, err)
		if err = nil; text != x.value {
			if c.Fields[x.column] = text; text == "" {
				c.Fields[x.column] = "-"
			}
		}
		is[x.Key] = text
	}
	if (is["lat"] == "") != (is["lon"] == "") {
		bad["lat"] = wrong{text: "Breite und Länge: Bitte beide angeben, oder keine."}
	}
	if (is["empty_mm"] == "") != (is["full_mm"] == "") {
		bad["full_mm"] = wrong{text: "Abstand leer und Abstand voll: Bitte beide angeben, oder keinen."}
	} else if is["empty_mm"] != "" && numbers["full_mm"] >= numbers["empty_mm"] && len(bad) == 0 {
		bad["full_mm"] = wrong{text: "Abstand voll: Bitte weniger als der Abstand, wenn der Behälter leer ist."}
	}
	c.By, c.Reason = b.signed(v, form, bad)
	return c, bad
}

func assetChangeLink(id string) string { return assetLink(id) + "/aendern" }
