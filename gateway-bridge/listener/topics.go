package listener

import (
	"slices"
	"strings"
)

// mine tells whether one of the filters has a topic name in it (section 4.7).
func mine(filters []string, topic string) bool {
	return slices.ContainsFunc(filters, func(filter string) bool { return matches(filter, topic) })
}

// matches compares level by level. A wildcard in front does not stand for a level that
// begins with '$' (section 4.7.2).
func matches(filter, topic string) bool {
	if topic[0] == '$' && (filter[0] == '+' || filter[0] == '#') {
		return false
	}
	for {
		level, moreFilter, deeperFilter := strings.Cut(filter, "/")
		name, moreTopic, deeperTopic := strings.Cut(topic, "/")
		switch {
		case level == "#":
			return true
		case level != "+" && level != name:
			return false
		case !deeperTopic:
			return !deeperFilter || moreFilter == "#" // "a/#" has "a" in it, too
		case !deeperFilter:
			return false
		}
		filter, topic = moreFilter, moreTopic
	}
}
