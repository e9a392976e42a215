package sensorthings

import (
	"net/http"
	"net/url"
	"slices"
	"strings"
)

// Bounds on what is asked for.
const (
	defaultTop = 100
	maxTop     = 1_000
	maxSkip    = 1_000_000
	maxExpand  = 8  // nested in each other
	maxClauses = 40 // $expand clauses of a request
	maxQuery   = 16 << 10
)

// options are the system query options of a set, or of a clause of $expand.
type options struct {
	set     *set
	selects []*path // nil: everything
	expands []*expansion
	filter  node
	orders  []ordering
	top     int // -1: not given
	skip    int
	count   bool
	after   *cursor
	arrayed bool // $resultFormat=dataArray
	given   []optionText
}

// optionText is an option as it was written, decoded.
type optionText struct{ name, text string }

type ordering struct {
	by   node
	down bool
}

// expansion is a link whose entities stand in the answer.
type expansion struct {
	link link
	*options
}

func newOptions(s *set) *options { return &options{set: s, top: -1} }

// known are the names of options, without the dollar sign.
var known = []string{"$select", "$expand", "$filter", "$orderby", "$top", "$skip", "$count", "$resultFormat", "$skiptoken"}

// parseOptions reads the query of an address for members of a set; one says that it leads to
// one entity, for which most options make no sense.
func parseOptions(raw string, s *set, one bool) (*options, error) {
	if len(raw) > maxQuery {
		return nil, refuse(http.StatusBadRequest, "the query has %d bytes, more than the %d that are read", len(raw), maxQuery)
	}
	o := newOptions(s)
	clauses := 0
	for part := range strings.SplitSeq(raw, "&") {
		if part == "" {
			continue
		}
		rawName, rawText, _ := strings.Cut(part, "=")
		name, err1 := url.QueryUnescape(rawName)
		value, err2 := url.QueryUnescape(rawText)
		if err1 != nil || err2 != nil {
			return nil, refuse(http.StatusBadRequest, "%.60q is not percent-encoded right: a percent sign needs two hexadecimal digits", part)
		}
		if !strings.HasPrefix(name, "$") {
			if slices.Contains(known, "$"+name) {
				return nil, refuse(http.StatusBadRequest, "option %s: its name begins with a dollar sign, $%s", name, name)
			}
			continue // other options belong to whoever stands before us
		}
		if one && !slices.Contains([]string{"$select", "$expand"}, name) && slices.Contains(known, name) {
			return nil, refuse(http.StatusBadRequest, "%s does not fit here: the address leads to one %s and not to a set", name, s.one)
		}
		if name == "$skiptoken" {
			if o.after, err1 = parseCursor(value); err1 != nil || one || o.given != nil && hasOption(o.given, name) {
				return nil, refuse(http.StatusBadRequest, "$skiptoken is not from an @iot.nextLink of this server: begin again without it")
			}
			o.given = append(o.given, optionText{name, value})
			continue
		}
		sc, err := scan(name, value)
		if err != nil {
			return nil, err
		}
		sc.clauses = &clauses
		if err := sc.value(o, name, 0); err != nil {
			return nil, err
		}
		if sc.next.kind != tokenEnd {
			return nil, sc.wrong(sc.next.at, "%s is not expected here", sc.next)
		}
		o.given = append(o.given, optionText{name, value})
	}
	return o, nil
}

// value reads the value of one option.
func (s *scanner) value(o *options, name string, depth int) error {
	at := s.next.at
	if hasOption(o.given, name) {
		return s.wrong(at, "%s is given twice", name)
	}
	switch name {
	case "$select":
		return s.selects(o)
	case "$expand":
		return s.expand(o, depth)
	case "$filter":
		n, err := s.expression()
		if err != nil {
			return err
		}
		o.filter = n
		return scope{o.set, nil, s.option}.check(n)
	case "$orderby":
		return s.orderby(o)
	case "$top":
		n, err := s.whole(name, 1<<31)
		o.top = n
		return err
	case "$skip":
		n, err := s.whole(name, maxSkip)
		o.skip = n
		return err
	case "$count":
		if !s.word("true") && !s.word("false") {
			return s.wrong(at, "want true or false, got %s", s.next)
		}
		o.count = s.word("true")
		return s.advance()
	}
	if name == "$resultFormat" && depth == 0 {
		if o.set != observations || !s.word("dataArray") {
			return s.wrong(at, "only $resultFormat=dataArray is known, and only for Observations")
		}
		o.arrayed = true
		return s.advance()
	}
	return s.wrong(at, "there is no option %.40q: want one of %s", name, strings.Join(known[:7], " "))
}

func (s *scanner) whole(name string, most int) (int, error) {
	n, ok := s.next.value.(float64)
	if s.next.kind != tokenLiteral || !ok || n != float64(int(n)) || n > float64(most) {
		return 0, s.wrong(s.next.at, "%s wants a whole number from 0 to %d, got %s", name, most, s.next)
	}
	return int(n), s.advance()
}

// selects reads "name,properties/tree,Datastreams".
func (s *scanner) selects(o *options) error {
	o.selects = []*path{}
	for {
		if s.sign("*") {
			for _, p := range o.set.properties {
				o.selects = append(o.selects, &path{steps: []step{{p.name, s.next.at}}})
			}
			o.selects = append(o.selects, &path{steps: []step{{"id", s.next.at}}})
			if err := s.advance(); err != nil {
				return err
			}
		} else if err := s.selected(o); err != nil {
			return err
		}
		if len(o.selects) > maxNodes {
			return s.wrong(s.next.at, "more than %d properties are selected", maxNodes)
		}
		if !s.sign(",") {
			return nil
		}
		if err := s.advance(); err != nil {
			return err
		}
	}
}

func (s *scanner) selected(o *options) error {
	first := s.next
	if first.kind != tokenName {
		return s.wrong(first.at, "want the name of a property, got %s", first)
	}
	if err := s.advance(); err != nil {
		return err
	}
	n, err := s.path(first)
	if err != nil {
		return err
	}
	p, ok := n.(*path)
	if !ok {
		return s.wrong(first.at, "want the name of a property")
	}
	if _, ok := o.set.link(first.text); ok {
		if len(p.steps) > 1 {
			return s.wrong(p.steps[1].at, "of another entity select in $expand, like $expand=%s($select=%s)", first.text, p.steps[1].name)
		}
	} else if _, _, err := (scope{o.set, nil, s.option}).resolve(p); err != nil {
		return err
	}
	o.selects = append(o.selects, p)
	return nil
}

func (s *scanner) orderby(o *options) error {
	for {
		n, err := s.expression()
		if err != nil {
			return err
		}
		if err := (scope{o.set, nil, s.option}).check(n); err != nil {
			return err
		}
		if len(o.orders) == 10 {
			return s.wrong(n.position(), "more than 10 orders are given")
		}
		down := s.word("desc")
		if down || s.word("asc") {
			if err := s.advance(); err != nil {
				return err
			}
		}
		o.orders = append(o.orders, ordering{n, down})
		if !s.sign(",") {
			return nil
		}
		if err := s.advance(); err != nil {
			return err
		}
	}
}

// expand reads "Locations,Datastreams/Observations($top=1;$orderby=phenomenonTime desc)".
func (s *scanner) expand(o *options, depth int) error {
	for {
		if err := s.clause(o, depth+1); err != nil {
			return err
		}
		if !s.sign(",") {
			return nil
		}
		if err := s.advance(); err != nil {
			return err
		}
	}
}

func (s *scanner) clause(o *options, depth int) error {
	at := s.next
	if at.kind != tokenName {
		return s.wrong(at.at, "want a navigation, got %s", at)
	}
	if depth > maxExpand {
		return s.wrong(at.at, "$expand is nested deeper than %d", maxExpand)
	}
	if *s.clauses++; *s.clauses > maxClauses {
		return s.wrong(at.at, "$expand has more than %d clauses", maxClauses)
	}
	l, ok := o.set.link(at.text)
	if !ok {
		return s.wrong(at.at, "%s has no navigation %.40q", o.set.one, at.text)
	}
	if err := s.advance(); err != nil {
		return err
	}
	var x *expansion
	for _, e := range o.expands {
		if e.link.name == l.name {
			x = e
		}
	}
	if x != nil && !s.sign("/") {
		return s.wrong(at.at, "%s is expanded twice", l.name)
	}
	if x == nil {
		x = &expansion{l, newOptions(l.to)}
		o.expands = append(o.expands, x)
	}
	if s.sign("/") {
		if err := s.advance(); err != nil {
			return err
		}
		begin := s.next.at
		err := s.clause(x.options, depth+1)
		x.noteExpand(s.src[begin:s.next.at])
		return err
	}
	if !s.sign("(") {
		return nil
	}
	if err := s.advance(); err != nil {
		return err
	}
	for {
		name := s.next
		if name.kind != tokenName {
			return s.wrong(name.at, "want an option like $top=1, got %s", name)
		}
		if err := s.advance(); err != nil {
			return err
		}
		if !s.sign("=") {
			return s.wrong(s.next.at, "want =, got %s", s.next)
		}
		if err := s.advance(); err != nil {
			return err
		}
		if !l.many && name.text != "$select" && name.text != "$expand" {
			return s.wrong(name.at, "%s does not fit here: %s is one entity and not a set", name, l.name)
		}
		begin := s.next.at
		if err := s.value(x.options, name.text, depth); err != nil {
			return err
		}
		x.given = append(x.given, optionText{name.text, strings.TrimSpace(s.src[begin:s.next.at])})
		if !s.sign(";") {
			return s.expect(")")
		}
		if err := s.advance(); err != nil {
			return err
		}
	}
}

// noteExpand remembers a nested clause that was written with a slash.
func (o *options) noteExpand(text string) {
	text = strings.TrimSpace(text)
	for i := range o.given {
		if o.given[i].name == "$expand" {
			o.given[i].text += "," + text
			return
		}
	}
	o.given = append(o.given, optionText{"$expand", text})
}

func hasOption(given []optionText, name string) bool {
	for _, g := range given {
		if g.name == name {
			return true
		}
	}
	return false
}
