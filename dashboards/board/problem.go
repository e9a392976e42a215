package board

import (
	"errors"
	"fmt"
	"net/http"
)

// problem is an error with words for the visitor.
type problem struct {
	status      int
	title, text string
}

func (p *problem) Error() string { return p.title + ": " + p.text }

func notFound() *problem {
	return &problem{http.StatusNotFound, "Seite nicht gefunden", "Unter dieser Adresse gibt es nichts. Vielleicht wurde sie falsch abgeschrieben."}
}

func wrongMethod() *problem {
	return &problem{http.StatusMethodNotAllowed, "Nicht erlaubt", "Diese Seite kann nur gelesen werden."}
}

func wrongHost() *problem {
	return &problem{http.StatusMisdirectedRequest, "Falscher Name", "Unter diesem Namen ist diese Seite nicht zu erreichen. Die erlaubten Namen stehen in den Einstellungen unter board.hosts."}
}

func forbidden(why string) *problem {
	return &problem{http.StatusForbidden, "Nicht erlaubt", why}
}

func badRequest(format string, args ...any) *problem {
	return &problem{http.StatusBadRequest, "Ungültige Anfrage", fmt.Sprintf(format, args...)}
}

// fail shows an error page. What is not a problem with words of its own is logged, and
// the visitor learns only that it happened.
func (b *Board) fail(w http.ResponseWriter, r *http.Request, err error) {
	var p *problem
	switch {
	case errors.As(err, &p):
	case r.Context().Err() != nil:
		return // the visitor left
	default:
		b.log.Error().Err(err).Str("path", r.URL.Path).Msg("page failed")
		p = &problem{http.StatusServiceUnavailable, "Daten gerade nicht lesbar", "Die Daten konnten nicht gelesen werden. Bitte in einer Minute noch einmal versuchen; bleibt es dabei, hilft die Betriebsstelle mit dem Protokoll weiter."}
	}
	b.write(w, r, p.status, "error", content{title: p.title, body: p.text})
}
