package board

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"meldefunk/city"
	"meldefunk/city/visitor"
)

// Desk takes what people want done. It keeps it and answers at once; what comes of it stands
// in the history of the ticket.
type Desk interface {
	// Wish keeps a wish for a case that is there.
	Wish(ctx context.Context, w city.Wish) (id int64, err error)
	Mute(ctx context.Context, m city.Mute) (id int64, err error)
	// Unmute lifts a mute that is in force.
	Unmute(ctx context.Context, id int64, by string, at time.Time) error
}

// action is what a person can do with a ticket.
type action struct {
	Kind   city.WishKind
	Key    string // in the form
	Word   string // on the button
	Help   string // what it does
	Told   string // once it is noted
	Reason bool   // one must be given
	Until  bool   // an end may be given
	Number bool   // of a ticket must be given
}

func actions() []action {
	return []action{
		{Kind: city.WishAcknowledge, Key: "uebernehmen", Word: "Übernehmen", Told: "Übernahme vermerkt.",
			Help: "Jemand kümmert sich darum; es wird nicht mehr daran erinnert."},
		{Kind: city.WishRetry, Key: "wiederholen", Word: "Noch einmal versuchen", Told: "Neuer Versuch vermerkt.",
			Help: "Die Ursache ist behoben. Erst wird gesucht, ob das Ticket schon da ist, dann gesendet."},
		{Kind: city.WishLink, Key: "zuordnen", Word: "Nummer zuordnen", Told: "Zuordnung vermerkt.", Number: true,
			Help: "Das Ticket wurde von Hand angelegt oder im Ticketsystem gefunden. Es wird dann kein weiteres gesendet."},
		{Kind: city.WishCheck, Key: "nachsehen", Word: "Im Ticketsystem nachsehen", Told: "Abfrage vermerkt.",
			Help: "Das Ticketsystem wird jetzt nach dem Stand gefragt."},
		{Kind: city.WishHold, Key: "anhalten", Word: "Anhalten", Told: "Anhalten vermerkt.", Reason: true, Until: true,
			Help: "Mit dem Ticket geschieht nichts mehr, bis es weitergehen soll. Ohne Ende: bis es jemand weitergehen lässt."},
		{Kind: city.WishRelease, Key: "weiter", Word: "Weitergehen lassen", Told: "Weitergehen vermerkt.",
			Help: "Beendet das Anhalten, auch das der Sicherheitsbremse."},
		{Kind: city.WishClose, Key: "schliessen", Word: "Schließen", Told: "Schließen vermerkt.", Reason: true,
			Help: "Schließt das Ticket, auch wenn der Sensor den Befund noch meldet."},
	}
}

// possible tells which wishes make sense for a ticket as it stands.
func possible(t *city.Ticket) map[city.WishKind]bool {
	if t.State == city.TicketClosed || t.State == city.TicketCancelled {
		return nil
	}
	held, handed := t.State == city.TicketHeld || t.Hold != "", t.ExternalID != ""
	may := map[city.WishKind]bool{city.WishClose: true, city.WishHold: !held, city.WishRelease: held, city.WishCheck: handed}
	switch t.State {
	case city.TicketOpen:
		may[city.WishAcknowledge] = true
	case city.TicketParked, city.TicketManual:
		may[city.WishRetry], may[city.WishLink] = true, !handed
	case "", city.TicketQueued, city.TicketMuted, city.TicketUnsure:
		may[city.WishLink] = true
	}
	return may
}

// actionForm is the form of one action, with what was typed into it.
type actionForm struct {
	action
	By, Why, Till, Nr string
	Open              bool // shown unfolded
}

// actionForms are the forms for a ticket. What was typed into one of them stays there.
func actionForms(t *city.Ticket, typed url.Values) []actionForm {
	may := possible(t)
	var all []actionForm
	for _, a := range actions() {
		if !may[a.Kind] {
			continue
		}
		f := actionForm{action: a}
		if typed.Get("auftrag") == a.Key {
			f.By, f.Why, f.Till, f.Nr, f.Open = typed.Get("name"), typed.Get("grund"), typed.Get("bis"), typed.Get("nummer"), true
		}
		all = append(all, f)
	}
	return all
}

// Bounds of what people type, in characters.
const (
	longestName   = 80
	longestReason = 500
	longestNumber = 100
)

// wish reads a form. The error is German, for the person who sent it.
func (b *Board) wish(v visitor.Visitor, ref string, t *city.Ticket, form url.Values) (action, city.Wish, error) {
	for _, a := range actions() {
		if a.Key != form.Get("auftrag") {
			continue
		}
		w := city.Wish{Ref: ref, At: b.opt.Now(), Kind: a.Kind}
		if !possible(t)[a.Kind] {
			return a, w, errors.New("Das geht bei diesem Ticket nicht mehr: Sein Zustand hat sich inzwischen geändert.")
		}
		var errs [4]error
		w.By, errs[0] = signature(v, form)
		w.Reason, errs[1] = field(form, "grund", "Begründung", longestReason, a.Reason)
		if a.Number {
			w.Number, errs[2] = field(form, "nummer", "Nummer des Tickets", longestNumber, true)
		}
		if a.Until {
			w.Until, errs[3] = b.end(form, false)
		}
		return a, w, errors.Join(errs[:]...)
	}
	return action{}, city.Wish{}, errors.New("Einen solchen Auftrag gibt es nicht.")
}

// field reads one line that somebody typed.
func field(form url.Values, key, name string, longest int, needed bool) (string, error) {
	text := strings.TrimSpace(form.Get(key))
	switch {
	case text == "" && needed:
		return "", errors.New(name + ": Bitte ausfüllen.")
	case !utf8.ValidString(text) || strings.ContainsFunc(text, unicode.IsControl):
		return "", errors.New(name + ": Bitte nur Text in einer Zeile.")
	case utf8.RuneCountInString(text) > longest:
		return "", errors.New(name + ": Bitte höchstens " + count(longest) + " Zeichen.")
	}
	return text, nil
}

// end reads until when something is to last.
func (b *Board) end(form url.Values, needed bool) (time.Time, error) {
	text := strings.TrimSpace(form.Get("bis"))
	if text == "" && !needed {
		return time.Time{}, nil
	}
	until, err := city.ParseUntil(text, b.opt.Now(), b.opt.Location)
	if err != nil {
		return time.Time{}, errors.New("Bis: Bitte einen Zeitpunkt in der Zukunft angeben, höchstens ein Jahr voraus, wie 24.12.2026 18:00.")
	}
	return until, nil
}

// takeWish notes what somebody wants done with a ticket.
func (b *Board) takeWish(w http.ResponseWriter, r *http.Request) {
	ref := r.PathValue("ref")
	ct, err := b.caseNamed(r.Context(), ref)
	if err != nil {
		b.fail(w, r, err)
		return
	}
	a, wish, problem := b.wish(visitor.From(r.Context()), ref, &ct.Ticket, r.PostForm)
	if problem != nil {
		c, err := b.showCase(r, ct, problem)
		b.again(w, r, "case", c, err)
		return
	}
	if _, err := b.opt.Desk.Wish(r.Context(), wish); err != nil {
		b.fail(w, r, err)
		return
	}
	b.log.Info().Str("ref", ref).Str("wish", string(wish.Kind)).Str("by", wish.By).Msg("somebody wants something of a ticket")
	http.Redirect(w, r, caseLink(ref)+"?vermerkt="+a.Key, http.StatusSeeOther)
}

// again shows a page whose form was not right once more.
func (b *Board) again(w http.ResponseWriter, r *http.Request, page string, c content, err error) {
	if err != nil {
		b.fail(w, r, err)
		return
	}
	b.write(w, r, http.StatusUnprocessableEntity, page, c)
}
