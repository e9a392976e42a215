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
	"net/netip"
	"net/url"
	"time"
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

// token goes into the forms of a page.
func (s seal) token(now time.Time) string {
	at := binary.BigEndian.AppendUint64(nil, uint64(now.Unix()))
	return base64.RawURLEncoding.EncodeToString(append(at, s.sum(at)...))
}

// holds tells whether a token is ours and not too old.
func (s seal) holds(token string, now time.Time) bool {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) != 8+sha256.Size || !hmac.Equal(b[8:], s.sum(b[:8])) {
		return false
	}
	age := now.Sub(time.Unix(int64(binary.BigEndian.Uint64(b)), 0))
	return age >= -time.Minute && age < formLife
}

func (s seal) sum(at []byte) []byte {
	mac := hmac.New(sha256.New, s.key)
	mac.Write(at)
	return mac.Sum(nil)
}

// act stands in front of whatever changes something.
func (b *Board) act(do http.HandlerFunc) http.HandlerFunc {
	foreign := http.NewCrossOriginProtection()
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		r = r.WithContext(ctx)
		if why := b.mayNot(r); why != "" {
			b.fail(w, r, forbidden(why))
			return
		}
		if foreign.Check(r) != nil || !ownOrigin(r) {
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
		if !b.seal.holds(r.PostForm.Get("siegel"), b.opt.Now()) {
			b.fail(w, r, forbidden("Die Seite war zu lange offen, oder das Programm wurde neu gestartet. Bitte die Seite neu laden und den Auftrag noch einmal geben."))
			return
		}
		do(w, r)
	}
}

// mayNot says why a visitor may change nothing; "": he may. Nobody has to log in here, so
// only who sits at this machine may: a request that came through a proxy, or by another name
// than this machine's own, is somebody else's.
func (b *Board) mayNot(r *http.Request) string {
	if b.opt.Desk == nil {
		return "Hier kann nur gelesen werden."
	}
	for _, passed := range []string{"Forwarded", "X-Forwarded-For", "X-Forwarded-Host", "X-Real-Ip", "Via"} {
		if r.Header.Get(passed) != "" {
			return onlyHere
		}
	}
	from, err := netip.ParseAddrPort(r.RemoteAddr)
	if err != nil || !from.Addr().Unmap().IsLoopback() || !loopback(hostname(r.Host)) {
		return onlyHere
	}
	return ""
}

const onlyHere = "Aufträge nimmt die Tafel nur an dem Rechner an, auf dem sie läuft: Sie kennt noch keine Anmeldung. Dort geht auch der Befehl „meldefunk ticket“."

// ownOrigin tells whether a request comes from a page under the same name. A proxy that hides
// itself passes on the name that the visitor's browser knows.
func ownOrigin(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host == r.Host && loopback(hostname(u.Host))
}
