package board

import (
	"math"
	"net/url"
	"strconv"
)

// pager cuts a long list into pages and links them.
type pager struct {
	Page, Pages int
	from, to    int // of the list, half open
	Range       string
	Prev, Next  string // addresses, "" where there is none
	Where       string // "oben" or "unten": two landmarks on a page need two names
}

// Top and Bottom are the same pager before and after the list.
func (p pager) Top() pager    { p.Where = "oben"; return p }
func (p pager) Bottom() pager { p.Where = "unten"; return p }

// paged makes the pager for total entries. A page behind the last is the last: lists
// shrink while people look at them. link gives the address of a page.
func paged(page, size, total int, link func(page int) string) pager {
	p := pager{Pages: max(1, (total+size-1)/size)}
	p.Page = min(max(1, page), p.Pages)
	p.from = (p.Page - 1) * size
	p.to = min(total, p.from+size)
	p.Range = count(min(p.from+1, p.to)) + " bis " + count(p.to) + " von " + count(total)
	if p.Page > 1 {
		p.Prev = link(p.Page - 1)
	}
	if p.Page < p.Pages {
		p.Next = link(p.Page + 1)
	}
	return p
}

// pageNumber reads the query value "seite", 1 where it is absent.
func pageNumber(q url.Values) (int, error) {
	s := q.Get("seite")
	if s == "" {
		return 1, nil
	}
	n, err := strconv.Atoi(s)
	if err != nil || n < 1 || n > math.MaxInt32 {
		return 0, badRequest("Die Seitenzahl „%.40s“ ist keine Zahl ab 1.", s)
	}
	return n, nil
}

// address joins a path and a query; the first page and empty values are left out, so
// that the same view has one address.
func address(path string, q url.Values, page int) string {
	q.Del("seite")
	if page > 1 {
		q.Set("seite", strconv.Itoa(page))
	}
	for k := range q {
		if q.Get(k) == "" {
			q.Del(k)
		}
	}
	if len(q) == 0 {
		return path
	}
	return path + "?" + q.Encode()
}
