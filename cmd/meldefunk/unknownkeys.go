package main

import (
	"fmt"
	"reflect"
	"slices"
	"strings"

	"go.yaml.in/yaml/v3"
)

// unknownKeys tells which keys of a node have no field in the value that it is to be decoded
// into, as the parser itself does where it decodes a whole file: its strictness does not reach
// into types that decode themselves.
func unknownKeys(n *yaml.Node, into any) []string {
	return strange(n, reflect.TypeOf(into))
}

func strange(n *yaml.Node, t reflect.Type) (problems []string) {
	for n.Kind == yaml.AliasNode {
		n = n.Alias
	}
	switch {
	case t.Kind() == reflect.Pointer:
		return strange(n, t.Elem())
	case t.Kind() == reflect.Slice && n.Kind == yaml.SequenceNode:
		for _, item := range n.Content {
			problems = append(problems, strange(item, t.Elem())...)
		}
	case t.Kind() == reflect.Map && n.Kind == yaml.MappingNode:
		for i := 0; i+1 < len(n.Content); i += 2 {
			problems = append(problems, strange(n.Content[i+1], t.Elem())...)
		}
	case t.Kind() == reflect.Struct && n.Kind == yaml.MappingNode:
		fields := map[string]reflect.Type{}
		for i := range t.NumField() {
			key, _, _ := strings.Cut(t.Field(i).Tag.Get("yaml"), ",")
			fields[key] = t.Field(i).Type
		}
		for i := 0; i+1 < len(n.Content); i += 2 {
			key := n.Content[i]
			if field, ok := fields[key.Value]; ok && key.Value != "" {
				problems = append(problems, strange(n.Content[i+1], field)...)
			} else {
				problems = append(problems, fmt.Sprintf("line %d: field %.60s not found in type %s", key.Line, key.Value, t))
			}
		}
	}
	return slices.Clip(problems)
}
