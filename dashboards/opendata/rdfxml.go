package opendata

import (
	"bytes"
	"encoding/xml"
	"strings"
)

// rdfXML spells a graph as RDF/XML.
func rdfXML(root *node) ([]byte, error) {
	var b bytes.Buffer
	b.WriteString(xml.Header)
	e := xml.NewEncoder(&b)
	e.Indent("", " ")
	start := xml.StartElement{Name: xml.Name{Local: "rdf:RDF"}}
	for _, p := range prefixes() {
		start.Attr = append(start.Attr, attribute("xmlns:"+p[0], p[1]))
	}
	w := rdfWriter{e: e}
	w.put(start)
	w.node(root)
	w.put(start.End())
	if w.err == nil {
		w.err = e.Flush()
	}
	return append(b.Bytes(), '\n'), w.err
}

// rdfWriter keeps the first error.
type rdfWriter struct {
	e   *xml.Encoder
	err error
}

func (w *rdfWriter) put(t xml.Token) {
	if w.err == nil {
		w.err = w.e.EncodeToken(t)
	}
}

func attribute(name, value string) xml.Attr {
	return xml.Attr{Name: xml.Name{Local: name}, Value: value}
}

func (w *rdfWriter) node(n *node) {
	start := xml.StartElement{Name: xml.Name{Local: n.class}}
	if n.id != "" {
		start.Attr = []xml.Attr{attribute("rdf:about", n.id)}
	}
	w.put(start)
	for _, s := range n.says {
		w.statement(s)
	}
	w.put(start.End())
}

func (w *rdfWriter) statement(s statement) {
	start := xml.StartElement{Name: xml.Name{Local: s.property}}
	switch {
	case s.link != "":
		start.Attr = []xml.Attr{attribute("rdf:resource", s.link)}
	case s.language != "":
		start.Attr = []xml.Attr{attribute("xml:lang", s.language)}
	case s.kind != "":
		start.Attr = []xml.Attr{attribute("rdf:datatype", long(s.kind))}
	}
	w.put(start)
	if s.node != nil {
		w.node(s.node)
	} else if s.words != "" {
		w.put(xml.CharData(s.words))
	}
	w.put(start.End())
}

// long spells a name with its namespace.
func long(name string) string {
	for _, p := range prefixes() {
		if rest, ok := strings.CutPrefix(name, p[0]+":"); ok {
			return p[1] + rest
		}
	}
	return name
}
