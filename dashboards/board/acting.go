package board

import (
	"context"
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"mime"
	"net/http"
	"net/url"
	"time"

	"meldefunk/city/visitor"
)

// maxForm bounds what a form may send, in bytes.
const maxForm = 16 << 10

// formLife is how long a form may stay open before it is sent.
const formLife = 12 * time.Hour

// seal proves that a form came from a page of this board: another site can make a visitor's
// browser send a form, but cannot read a page of ours.
type seal struct{ key []byte }

func newSeal() seal {
	key := make([]byte, sha256.Size)
	_, _ = rand.Read(key) // it never fails
	return seal{key}
}

// token goes into the forms of a page. It holds for one binding alone, so that a form of one
// login is of no use in another.
func (s seal) token(now time.Time, binding string) string {
	at := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(at, s.sum(at, binding)...))
}

// holds tells whether a token is ours and not too old.
func (s seal) holds(token string, now time.Time, binding string) bool {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 8+sha256.Size || !hmac.Equal(b[8:], s.sum(b[:8], binding)) {
		return false
	}
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint64(b)), 0))
	return age >= -time.Minute && age < formLife
}

func (s seal) sum(at []byte, binding string) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(at)
	mac.Write([]byte(binding))
	return mac.Sum(nil)
}

// bySession binds a seal to a login, so that it is of no use to another visitor.
func bySession(v visitor.Visitor) string { return "session " + v.Session }

// ofLogin binds the seal of the login's own form, before there is a session to bind it to.
func ofLogin(visitor.Visitor) string { return "login" }

// act stands in front of whatever changes something. A program's token comes with no request by
// itself, so what a program sends was not sent by another page.
func (b *Board) act(binding func(visitor.Visitor) string, do http.HandlerFunc) http.HandlerFunc {
	foreign := http.NewCrossOriginProtection()
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		v := visitor.From(ctx)
		if foreign.Check(r) != nil || !b.ownOrigin(r) {
			b.fail(w, r, forbidden("Der Auftrag kam von einer fremden Seite und wurde nicht angenommen."))
			return
		}
		if kind, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); kind != "application/x-www-form-urlencoded" {
			b.fail(w, r, badRequest("Der Auftrag kam nicht aus einem Formular dieser Seite."))
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxForm)
		if err := r.ParseForm(); err != nil {
			b.fail(w, r, badRequest("Das Formular ist zu groß oder beschädigt."))
			return
		}
		if !v.Bearer && !b.seal.holds(r.PostForm.Get("siegel"), b.opt.Now(), binding(v)) {
			b.fail(w, r, forbidden("Die Seite war zu lange offen, oder inzwischen gilt eine andere Anmeldung. Bitte die Seite neu laden und den Auftrag noch einmal geben."))
			return
		}
		do(w, r)
	}
}

// signature is who stands behind what a form asks for: who is logged in, or else the name that
// he has written into it.
func signature(v visitor.Visitor, form url.Values) (string, error) {
	if v.Name != "" {
		return v.Name, nil
	}
	return field(form, "name", "Name", longestName, true)
}

// ownOrigin tells whether a request comes from a page under the same name. A proxy that hides
// itself passes on the name that the visitor's browser knows.
func (b *Board) ownOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host && (r.TLS == nil || u.Scheme == "https") && (b.opt.Access != nil || loopback(hostname(u.Host)))
}
