package board

import (
	"errors"
	"net/http"
	"net/netip"
	"net/url"
	"strings"

	"meldefunk/city/visitor"
)

// Access knows who may come in. Without one nobody has to log in: who sits at this machine may
// everything, and others, whom a proxy lets through, may read.
type Access interface {
	// Who tells who sends a request; it may put a cookie into w. The error is
	// visitor.ErrNobody or visitor.ErrToken.
	Who(w http.ResponseWriter, r *http.Request) (visitor.Visitor, error)

	// Passwords tells whether people can log in with a password.
	Passwords() bool
	// Login lets somebody in, with a cookie in w. The error is visitor.ErrRefused or a
	// visitor.TooManyError.
	Login(w http.ResponseWriter, r *http.Request, name, password string) error
	// Logout ends the session of a request, if it has one.
	Logout(w http.ResponseWriter, r *http.Request)

	// Provider is the name of a provider of logins; "": there is none.
	Provider() string
	// Leave sends a browser there, or gives visitor.ErrAway and writes nothing.
	Leave(w http.ResponseWriter, r *http.Request, next string) error
	// Return takes a browser that comes from there, with a cookie in w, and tells where it
	// wanted to go. The error is one of those of package visitor.
	Return(w http.ResponseWriter, r *http.Request) (next string, err error)
}

// admit stands in front of every address, and puts who is there into the context.
func (b *Board) admit(rt route) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		v, err := b.who(w, r)
		if err != nil && !rt.open {
			b.turnAway(w, r, rt, err)
			return
		}
		r = r.WithContext(visitor.With(r.Context(), v))
		if !rt.open {
			if why := b.mayNot(v, rt.may); why != "" {
				b.log.Info().Str("name", v.Name).Str("role", string(v.Role)).Str("method", r.Method).Str("path", r.URL.Path).Msg("refused: not allowed")
				b.fail(w, r, forbidden(why))
				return
			}
		}
		rt.do(w, r)
	}
}

// who tells who sends a request.
func (b *Board) who(w http.ResponseWriter, r *http.Request) (visitor.Visitor, error) {
	switch {
	case b.opt.Access != nil:
		return b.opt.Access.Who(w, r)
	case here(r):
		return visitor.Visitor{May: visitor.AllPermissions(), Local: true}, nil
	}
	return visitor.Visitor{May: visitor.ReadPermissions()}, nil
}

// here tells whether a request comes from somebody who sits at this machine: one that came
// through a proxy, or by another name than this machine's own, is somebody else's.
func here(r *http.Request) bool {
	for _, passed := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(passed) != "" {
			return false
		}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && from.Addr().Unmap().IsLoopback() && loopback(hostname(r.Host))
}

const onlyHere = "Aufträge nimmt die Tafel nur an dem Rechner an, auf dem sie läuft: Eine Anmeldung ist nicht eingerichtet. Dort gehen auch die Befehle „meldefunk ticket“ und „meldefunk device“."

// mayNot says why a visitor may not do something; "": he may.
func (b *Board) mayNot(v visitor.Visitor, may visitor.Permission) string {
	switch {
	case may == visitor.WriteTickets && b.opt.Desk == nil, may == visitor.WriteDevices && b.opt.Registrar == nil:
		return "Hier kann nur gelesen werden."
	case v.May.Have(may):
		return ""
	case b.opt.Access == nil:
		return onlyHere
	case v.Role != "":
		return "Das gehört nicht zu den Aufgaben der Rolle „" + v.Role.German() + "“, mit der Sie angemeldet sind. Rollen vergibt die IT."
	}
	return "Dazu berechtigt dieser Zugang nicht."
}

// turnAway shows somebody whom nobody knows the way to the login; a program that there is none.
func (b *Board) turnAway(w http.ResponseWriter, r *http.Request, rt route, why error) {
	if rt.method == "GET" && !rt.program && errors.Is(why, visitor.ErrNobody) {
		http.Redirect(w, r, "/anmelden?"+url.Values{"weiter": {r.URL.RequestURI()}}.Encode(), http.StatusSeeOther)
		return
	}
	p := &problem{http.StatusUnauthorized, "Nicht angemeldet", "Die Anmeldung gilt nicht mehr; es wurde nichts vermerkt. Bitte neu anmelden. Was im Formular stand, ist im Browser mit „Zurück“ noch zu sehen."}
	challenge := `Bearer realm="Meldefunk"`
	if errors.Is(why, visitor.ErrToken) {
		challenge += `, error="invalid_token"`
		p.text = "Das Token ist unbekannt oder abgelaufen."
	} else if rt.program {
		p.text = "Hier braucht es ein Token, das dazu berechtigt."
	}
	w.Header().Set("WWW-Authenticate", challenge)
	b.fail(w, r, p)
}

// localPath tells whether an address to go on to is one of this board.
func localPath(next string) bool {
	u, err := url.Parse(next)
	return err == nil && len(next) <= 2000 && strings.HasPrefix(next, "/") && !strings.HasPrefix(next, "//") && !strings.Contains(next, `\`) &&
		u.Host == "" && u.Scheme == "" && !strings.ContainsFunc(next, func(r rune) bool { return r < ' ' || r == 0x7f }) &&
		!strings.HasPrefix(u.Path, "//") && !strings.HasPrefix(u.Path, "/anmelden")
}
