package opendata

import "encoding/json"

// jsonLD spells a graph as JSON-LD 1.1.
func jsonLD(root *node) ([]byte, error) {
	context := map[string]string{}
	for _, p := range prefixes() {
		context[p[0]] = p[1]
	}
	body := bodyOf(root)
	body["@context"] = context
	return json.Marshal(body)
}

func bodyOf(n *node) map[string]any {
	body := map[string]any{"@type": n.class}
	if n.id != "" {
		body["@id"] = n.id
	}
	for _, property := range n.properties() {
		var values []any
		for _, s := range n.says {
			if s.property == property {
				values = append(values, valueOf(s))
			}
		}
		if len(values) == 1 {
			body[property] = values[0]
		} else {
			body[property] = values
		}
	}
	return body
}

func valueOf(s statement) any {
	switch {
	case s.node != nil:
		return bodyOf(s.node)
	case s.link != "":
		return map[string]string{"@id": s.link}
	case s.language != "":
		return map[string]string{"@value": s.words, "@language": s.language}
	case s.kind != "":
		return map[string]string{"@value": s.words, "@type": s.kind}
	}
	return s.words
}
