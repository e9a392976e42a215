package rules

import (
	"errors"
	"fmt"
	"strings"

	"go.yaml.in/yaml/v3"

	"meldefunk/city/typo"
)

// Promote takes a rule out of shadow in the text of a rule file, and puts another one into
// it where one is named: a new version takes the place of the old one. Nothing else in the
// text changes, no comment and no blank. The file that comes of it has been read and is fine.
func Promote(name string, data []byte, id, instead string) ([]byte, error) {
	if _, err := Load(name, data); err != nil {
		return nil, err
	}
	text, err := setShadow(name, data, id, false)
	if err == nil && instead != "" {
		text, err = setShadow(name, text, instead, true)
	}
	if err != nil {
		return nil, err
	}
	if _, err := Load(name, text); err != nil {
		return nil, fmt.Errorf("%s cannot be promoted as the file stands:\n%w", id, err)
	}
	return text, nil
}

// setShadow writes the one word that puts a rule into shadow or takes it out.
func setShadow(name string, data []byte, id string, shadow bool) ([]byte, error) {
	rule, err := ruleNode(name, data, id)
	if err != nil {
		return nil, err
	}
	lines := strings.Split(string(data), "\n")
	word := fmt.Sprint(shadow)
	for i := 0; i+1 < len(rule.Content); i += 2 {
		key, value := rule.Content[i], rule.Content[i+1]
		if key.Value != "shadow" {
			continue
		}
		var now bool
		if err := yes(&now)(value.Value); err != nil || value.Style != 0 {
			return nil, fmt.Errorf("%s:%d: shadow: want it written as true or false, without quotes", name, value.Line)
		}
		if now == shadow {
			return nil, already(name, value.Line, id, shadow)
		}
		line := []rune(lines[value.Line-1])
		at := value.Column - 1
		lines[value.Line-1] = string(line[:at]) + word + string(line[at+len([]rune(value.Value)):])
		return []byte(strings.Join(lines, "\n")), nil
	}
	if !shadow {
		return nil, already(name, rule.Line, id, shadow)
	}
	// Before the first key: it stands there whether the rule is written in lines or in braces.
	first := rule.Content[0]
	line := []rune(lines[first.Line-1])
	indent := strings.Repeat(" ", first.Column-1)
	between := "\n" + indent
	if rule.Style&yaml.FlowStyle != 0 {
		between = ", "
	}
	lines[first.Line-1] = string(line[:first.Column-1]) + "shadow: true" + between + string(line[first.Column-1:])
	return []byte(strings.Join(lines, "\n")), nil
}

func already(name string, line int, id string, shadow bool) error {
	if shadow {
		return fmt.Errorf("%s:%d: rule %s is in shadow already", name, line, id)
	}
	return fmt.Errorf("%s:%d: rule %s is not in shadow: it counts already", name, line, id)
}

// ruleNode finds a rule in the text of a file that Load accepts.
func ruleNode(name string, data []byte, id string) (*yaml.Node, error) {
	var doc yaml.Node
	if err := yaml.Unmarshal(data, &doc); err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	var ids []string
	root := doc.Content[0]
	for i := 0; i+1 < len(root.Content); i += 2 {
		if root.Content[i].Value != "rules" {
			continue
		}
		for _, rule := range root.Content[i+1].Content {
			for j := 0; j+1 < len(rule.Content); j += 2 {
				if rule.Content[j].Value == "id" {
					if strings.TrimSpace(rule.Content[j+1].Value) == id {
						return rule, nil
					}
					ids = append(ids, rule.Content[j+1].Value)
				}
			}
		}
	}
	if len(ids) == 0 {
		return nil, errors.New(name + ": has no rules")
	}
	return nil, fmt.Errorf("%s: there is no rule %.64q%s", name, id, typo.Meant(id, ids))
}
