package board

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"meldefunk/city/visitor"
)

// loginForm is the content of the page where people log in.
type loginForm struct {
	Who      string // is logged in already; "": nobody
	Note     string
	Problem  string
	Seal     string
	Name     string // as it was typed
	Next     string // where to go afterwards
	Password bool
	Provider string
	Leave    string // address that leads to the provider
}

func (b *Board) loginPage(r *http.Request) (content, error) {
	q := r.URL.Query()
	f := b.loginForm(r, q.Get("weiter"))
	if q.Get("abgemeldet") != "" {
		f.Note = "Sie sind abgemeldet."
	}
	return loginContent(f), nil
}

func loginContent(f loginForm) content { return content{title: "Anmelden", body: f} }

func (b *Board) loginForm(r *http.Request, next string) loginForm {
	if !localPath(next) {
		next = "/"
	}
	return loginForm{Who: visitor.From(r.Context()).Name, Seal: b.seal.token(b.opt.Now(), ofLogin(visitor.Visitor{})), Next: next,
		Password: b.opt.Access.Passwords(), Provider: b.opt.Access.Provider(), Leave: "/anmelden/anbieter?" + url.Values{"weiter": {next}}.Encode()}
}

// takeLogin lets somebody in.
func (b *Board) takeLogin(w http.ResponseWriter, r *http.Request) {
	name, next := r.PostForm.Get("name"), r.PostForm.Get("weiter")
	f := b.loginForm(r, next)
	if err := b.opt.Access.Login(w, r, name, r.PostForm.Get("passwort")); err != nil {
		f.Name = name
		b.notIn(w, r, f, err)
		return
	}
	http.Redirect(w, r, f.Next, http.StatusSeeOther)
}

// notIn shows the login once more, with what was wrong, but not which half of it.
func (b *Board) notIn(w http.ResponseWriter, r *http.Request, f loginForm, why error) {
	status := http.StatusForbidden
	var many *visitor.TooManyError
	switch {
	case errors.As(why, &many):
		status = http.StatusTooManyRequests
		w.Header().Set("Retry-After", strconv.Itoa(int(many.Wait/time.Second)+1))
		f.Problem = "Es wurde zu oft versucht. Bitte " + waitWords(many.Wait) + " warten und dann noch einmal versuchen. Gesperrt ist nichts."
	case errors.Is(why, visitor.ErrNoRole):
		f.Problem = "Sie sind dort bekannt, haben hier aber noch keine Rolle. Bitte wenden Sie sich an die IT."
	case errors.Is(why, visitor.ErrAway):
		status = http.StatusServiceUnavailable
		f.Problem = "Die Anmeldestelle antwortet gerade nicht. Bitte in einer Minute noch einmal versuchen; bleibt es dabei, hilft die IT."
	case errors.Is(why, visitor.ErrStale):
		f.Problem = "Die Anmeldung hat zu lange gedauert oder begann in einem anderen Fenster. Bitte noch einmal anmelden."
	case errors.Is(why, visitor.ErrRefused) && f.Name == "" && f.Provider != "":
		f.Problem = "Die Anmeldung hat nicht geklappt. Bitte noch einmal versuchen; bleibt es dabei, hilft die IT."
	case errors.Is(why, visitor.ErrRefused):
		f.Problem = "Name oder Passwort stimmt nicht. Groß- und Kleinschreibung zählen bei beidem. Ein neues Passwort gibt die IT."
	default:
		b.fail(w, r, why)
		return
	}
	b.write(w, r, status, "login", loginContent(f))
}

// waitWords is a time to wait, rounded up.
func waitWords(d time.Duration) string {
	if d <= time.Minute {
		return counted(int((d+time.Second-1)/time.Second), "Sekunde", "Sekunden")
	}
	return counted(int((d+time.Minute-1)/time.Minute), "Minute", "Minuten")
}

// leave sends a browser to the provider of logins.
func (b *Board) leave(w http.ResponseWriter, r *http.Request) {
	f := b.loginForm(r, r.URL.Query().Get("weiter"))
	if f.Provider == "" {
		b.fail(w, r, notFound())
		return
	}
	if err := b.opt.Access.Leave(w, r, f.Next); err != nil {
		b.notIn(w, r, f, err)
	}
}

// comeBack takes a browser that comes from the provider.
func (b *Board) comeBack(w http.ResponseWriter, r *http.Request) {
	if b.opt.Access.Provider() == "" {
		b.fail(w, r, notFound())
		return
	}
	next, err := b.opt.Access.Return(w, r)
	f := b.loginForm(r, cmp.Or(next, "/"))
	if err != nil {
		b.notIn(w, r, f, err)
		return
	}
	http.Redirect(w, r, f.Next, http.StatusSeeOther)
}

// logout ends a session. Whose session is over already has what he wants.
func (b *Board) logout() http.HandlerFunc {
	gone := func(w http.ResponseWriter, r *http.Request) {
		http.Redirect(w, r, "/anmelden?abgemeldet=1", http.StatusSeeOther)
	}
	leave := b.act(bySession, func(w http.ResponseWriter, r *http.Request) {
		b.opt.Access.Logout(w, r)
		gone(w, r)
	})
	return func(w http.ResponseWriter, r *http.Request) {
		if visitor.From(r.Context()).Session == "" {
			gone(w, r)
			return
		}
		leave(w, r)
	}
}
