package board

import (
	"net/http"
	"strings"

	"meldefunk/city/visitor"
)

// Mount is what others serve under the board's address, like an interface for programs. The
// board says who is there, in the request's context; whether he may is the handler's to check.
type Mount struct {
	Prefix  string // "/api/v1": this path and all below it
	Handler http.Handler
}

// mounted finds the handler of a path that is not the board's own.
func (b *Board) mounted(path string) (http.Handler, bool) {
	for _, m := range b.opt.Mounts {
		if rest, below := strings.CutPrefix(path, m.Prefix); below && (rest == "" || rest[0] == '/') {
			return m.Handler, true
		}
	}
	return nil, false
}

// lend has a mounted handler answer. Nobody, and who brings a token that is none, is a visitor
// who may nothing.
func (b *Board) lend(to http.Handler, w http.ResponseWriter, r *http.Request) {
	v, err := b.who(w, r)
	if err != nil {
		v = visitor.Visitor{}
	}
	// What browsers send by themselves, cookies and requests from this machine, other sites can
	// make them send.
	if !v.Bearer && http.NewCrossOriginProtection().Check(r) != nil {
		b.fail(w, r, forbidden("Der Auftrag kam von einer fremden Seite und wurde nicht angenommen."))
		return
	}
	to.ServeHTTP(w, r.WithContext(visitor.With(r.Context(), v)))
}
