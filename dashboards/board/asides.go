package board

import (
	"bytes"
	"encoding/hex"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"meldefunk/city"
)

const (
	asidesPage = 50
	bodyShown  = 2000 // bytes of a message's body
)

// asidesBody is the content of the page of set-aside messages.
type asidesBody struct {
	Rows    []asideRow
	Pager   pager
	Summary string
	Reasons []reasonRow
}

// reasonRow is how much was set aside for one reason.
type reasonRow struct{ Reason, Messages, Arrivals string }

// asideRow is one set-aside message.
type asideRow struct {
	Reason, Detail, Device string
	Server, Topic          string
	Count                  string
	First, Last            moment
	Size, Body             string
	Cut                    string // how much of the body is shown, "" for all
}

func (b *Board) asides(r *http.Request) (content, error) {
	page, err := pageNumber(r.URL.Query())
	if err != nil {
		return content{}, err
	}
	list, total, err := b.opt.Store.Asides(r.Context(), asidesPage, (page-1)*asidesPage)
	if err != nil {
		return content{}, err
	}
	link := func(page int) string { return address("/zurueckgestellt", url.Values{}, page) }
	body := asidesBody{
		Pager:   paged(page, asidesPage, int(total), link),
		Summary: counted(total, "zurückgestellte Nachricht", "zurückgestellte Nachrichten") + ".",
	}
	if body.Pager.Page != page { // the list has become shorter than the address thinks
		if list, _, err = b.opt.Store.Asides(r.Context(), asidesPage, body.Pager.from); err != nil {
			return content{}, err
		}
	}
	counts, err := b.opt.Store.AsideCounts(r.Context(), city.AsideFilter{})
	if err != nil {
		return content{}, err
	}
	for _, c := range counts {
		body.Reasons = append(body.Reasons, reasonRow{reasonWord(c.Reason), count(c.Messages), count(c.Arrivals)})
	}
	for i := range list {
		body.Rows = append(body.Rows, b.asideRow(&list[i]))
	}
	return content{title: "Zurückgestellte Nachrichten", nav: "/zurueckgestellt", self: link(body.Pager.Page), body: body}, nil
}

func (b *Board) asideRow(a *city.SetAside) asideRow {
	now := b.opt.Now()
	last := a.LastSeen
	if last.IsZero() {
		last = a.Received
	}
	row := asideRow{
		Reason: reasonWord(a.Reason), Detail: printable(a.Detail), Server: a.Server, Topic: printable(a.Topic),
		Count: count(max(1, a.Count)) + nbsp + "×",
		First: momentOf(a.Received, now, b.opt.Location), Last: momentOf(last, now, b.opt.Location),
		Size: count(len(a.Body)) + nbsp + "Byte",
	}
	if !a.DevEUI.IsZero() {
		row.Device = a.DevEUI.String()
	}
	shown := a.Body
	if len(shown) > bodyShown {
		end := bodyShown
		for end > bodyShown-utf8.UTFMax && !utf8.RuneStart(shown[end]) {
			end-- // not through the middle of a character
		}
		shown = shown[:end]
		row.Cut = "Die ersten " + count(bodyShown) + nbsp + "Byte:"
	}
	row.Body = legible(shown)
	return row
}

// legible shows bytes from outside: as text where they are text, else as hex digits.
func legible(body []byte) string {
	if utf8.Valid(body) && !bytes.ContainsRune(body, 0) {
		return printable(string(body))
	}
	return hex.EncodeToString(body)
}

// printable writes out characters that would not be seen, or that would turn the
// reading direction of what follows.
func printable(s string) string {
	var b strings.Builder
	for _, r := range s {
		if unicode.IsPrint(r) || r == '\n' || r == '\t' {
			b.WriteRune(r)
			continue
		}
		b.WriteString(strings.Trim(strconv.QuoteRuneToASCII(r), "'"))
	}
	return b.String()
}
