package board

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"meldefunk/city/register"
)

// registrationsPage is the content of the page of what network servers were told.
type registrationsPage struct {
	Summary string
	Rows    []registrationRow
	Pager   pager
}

// registrationRow is what one network server was told of a device.
type registrationRow struct {
	EUI, Server, Word, Failure string
	Failed                     bool
	Told, Tried                moment
}

// registrations lists what network servers were told, what failed first.
func (b *Board) registrations(r *http.Request) (content, error) {
	page, err := pageNumber(r.URL.Query())
	if err != nil {
		return content{}, err
	}
	var all []register.Registration
	if b.opt.Registrar != nil {
		if all, err = b.opt.Registrar.Registrations(r.Context(), ""); err != nil {
			return content{}, err
		}
	}
	failed := 0
	for i := range all {
		if all[i].Failure != "" {
			failed++
		}
	}
	slices.SortStableFunc(all, func(x, y register.Registration) int {
		switch failed := x.Failure != ""; {
		case failed && y.Failure == "":
			return -1
		case !failed && y.Failure != "":
			return 1
		case failed:
			return y.Tried.Compare(x.Tried)
		}
		return cmp.Or(strings.Compare(x.Server, y.Server), y.Told.Compare(x.Told))
	})
	now := b.opt.Now()
	link := func(page int) string { return address("/inventar/netzwerkserver", url.Values{}, page) }
	p := registrationsPage{Pager: paged(page, inventoryPage, len(all), link),
		Summary: counted(len(all), "Eintrag", "Einträge") + ", davon " + count(failed) + " gescheitert. Neu mitgeteilt wird mit „meldefunk device sync“."}
	for _, g := range all[p.Pager.from:p.Pager.to] {
		row := registrationRow{EUI: g.DevEUI.String(), Server: g.Server, Failure: printable(g.Failure), Failed: g.Failure != "",
			Told: momentOf(g.Told, now, b.opt.Location), Tried: momentOf(g.Tried, now, b.opt.Location)}
		switch {
		case row.Failed:
			row.Word = "gescheitert"
		case g.Digest == "":
			row.Word = "nicht mitgeteilt"
		default:
			row.Word = "mitgeteilt"
		}
		p.Rows = append(p.Rows, row)
	}
	return content{title: "Was Netzwerkserver wissen", nav: "/inventar", self: link(p.Pager.Page), body: p}, nil
}
