package open311

import (
	"bytes"
	"encoding/xml"
	"errors"
	"fmt"
	"io"
	"strings"
)

// maxDepth bounds how deep an answer is nested; a service definition needs six levels.
const maxDepth = 20

// parseXML reads a document into what the same answer would be in JSON: elements become
// keys, repeated ones lists, and those without children texts. Attributes are dropped:
// all that servers put there is how their own library counts.
func parseXML(body []byte) (any, error) {
	d := xml.NewDecoder(bytes.NewReader(body))
	var tree any
	for {
		tok, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("answer is not XML: %w", err)
		}
		if start, ok := tok.(xml.StartElement); ok {
			if tree != nil {
				return nil, errors.New("answer is not XML: there is more after its end")
			}
			inside, err := element(d, 1)
			if err != nil {
				return nil, err
			}
			tree = map[string]any{start.Name.Local: inside}
		}
	}
	if tree == nil {
		return nil, errors.New("answer is not XML: there is no element")
	}
	return tree, nil
}

// element reads up to the end of the element that has just begun.
func element(d *xml.Decoder, depth int) (any, error) {
	if depth > maxDepth {
		return nil, errors.New("answer is wrapped too deep")
	}
	var text strings.Builder
	children := map[string]any{}
	for {
		tok, err := d.Token()
		if err != nil {
			return nil, fmt.Errorf("answer is not XML: %w", err)
		}
		switch tok := tok.(type) {
		case xml.CharData:
			text.Write(tok)
		case xml.StartElement:
			inside, err := element(d, depth+1)
			if err != nil {
				return nil, err
			}
			name := tok.Name.Local
			switch before := children[name].(type) {
			case nil:
				children[name] = inside
			case repeated:
				children[name] = append(before, inside)
			default:
				children[name] = repeated{before, inside}
			}
		case xml.EndElement:
			if len(children) == 0 {
				return strings.TrimSpace(text.String()), nil
			}
			for name, v := range children {
				if all, ok := v.(repeated); ok {
					children[name] = []any(all)
				}
			}
			return children, nil
		}
	}
}

// repeated are the contents of elements with one name.
type repeated []any
