package board

import (
	"errors"
	"slices"
	"strings"

	"meldefunk/city"
	"meldefunk/city/register"
)

// refused says in German why a change of the register was not made, and which field of the
// form that is about; "": none. false: it is not a refusal.
func (b *Board) refused(err error) (key, text, english string, ok bool) {
	r, ok := errors.AsType[*register.Refusal](err)
	if !ok {
		return "", "", "", false
	}
	device := func(e city.EUI) string { return "Gerät" + nbsp + e.String() }
	since, at := clock(r.Since, b.opt.Location), clock(r.At, b.opt.Location)
	switch r.Why {
	case register.UnknownDevice:
		return "ersatz", device(r.DevEUI) + " steht nicht im Register.", "", true
	case register.FiledDevice:
		return "ersatz", device(r.DevEUI) + " steht in einer Datei des Bestands und wird dort geändert.", "", true
	case register.UnknownAsset:
		return "anlage", "Eine Anlage " + quote(r.Asset) + " gibt es nicht.", "", true
	case register.NoAsset:
		return "anlage", "Bitte die Nummer der Anlage angeben.", "", true
	case register.HangsAlready:
		return "ersatz", device(r.DevEUI) + " hängt seit " + since + " an " + quote(r.Asset) + ". Bitte eines nehmen, das nirgends hängt, oder es zuerst ins Lager nehmen.", "", true
	case register.HangsThere:
		return "anlage", "Dort hängt das Gerät schon, seit " + since + ".", "", true
	case register.HangsNowhere:
		return "", "Das Gerät hängt nirgends: Es ist " + stateText(r.State) + ".", "", true
	case register.SameDevice:
		return "ersatz", "Ein Gerät kann sich nicht selbst ersetzen.", "", true
	case register.SameState:
		return "zustand", "Das ist das Gerät schon: " + stateText(r.State) + ".", "", true
	case register.UnknownState, register.NeedlessAsset:
		return "zustand", "Dieser Zustand geht hier nicht.", "", true
	case register.StillToCome:
		return "seit", at + " liegt in der Zukunft.", "", true
	case register.TooEarly:
		return "seit", "Bitte einen späteren Zeitpunkt: " + device(r.DevEUI) + " und " + quote(r.Asset) + " gehören bis oder seit " + since + " zusammen, das ist nach " + at + ".", "", true
	case register.Taken:
		return "anlage", "An " + quote(r.Asset) + " hängt seit " + since + " schon " + device(r.Other) + ". Bitte jenes ersetzen oder zuerst umhängen.", "", true
	case register.TakenByFile:
		return "anlage", "An " + quote(r.Asset) + " hängt nach einer Datei des Bestands " + device(r.Other) + ". Bitte es dort zuerst herausnehmen.", "", true
	case register.WrongKind:
		return "anlage", quote(r.Asset) + " ist von der Art " + r.Kind.German() + "; " + r.Model + " taugt für: " + kindList(r.Kinds) + ".", "", true
	case register.Overtaken:
		return "", "Inzwischen hat das jemand anderes geändert; es wurde nichts vermerkt. Bitte ansehen, was jetzt gilt, und dann noch einmal senden.", "", true
	case register.WrongField:
		key = r.Field
		if key == "name" { // of the asset
			key = "bezeichnung"
		}
		return key, fieldWord(r.Field) + ": Das Register nimmt diese Angabe nicht an.", r.Text, true
	}
	return "", "Das passt nicht zum übrigen Bestand; es wurde nichts vermerkt.", r.Text, true
}

func quote(text string) string { return "„" + printable(text) + "“" }

func kindList(kinds []city.Kind) string {
	words := make([]string, len(kinds))
	for i, k := range kinds {
		words[i] = k.German()
	}
	slices.Sort(words)
	return strings.Join(words, ", ")
}
