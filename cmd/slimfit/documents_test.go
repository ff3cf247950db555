package main

import (
	"os"
	"regexp"
	"slices"
	"testing"
)

// README.md names every command, and no other.
func TestReadmeNamesTheCommands(t *testing.T) {
	b, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	named := map[string]bool{}
	for _, m := range regexp.MustCompile("(?:`|bin/)slimfit ([a-z]+)").FindAllSubmatch(b, -1) {
		named[string(m[1])] = true
	}
	for _, c := range commands() {
		if !named[c.Name] && !c.Hidden {
			t.Errorf("README.md does not name `slimfit %s`", c.Name)
		}
		delete(named, c.Name)
		if e, ok := examples[c.Name]; len(c.Subcommands) == 0 && !c.Hidden && (!ok || e[0] == e[1]) {
			t.Errorf("%s has no two examples", c.Name)
		}
		if !slices.ContainsFunc(groups, func(g commandGroup) bool { return slices.Contains(g.commands, c.Name) }) && !c.Hidden {
			t.Errorf("%s is in no group of the help", c.Name)
		}
	}
	for name := range named {
		t.Errorf("README.md names `slimfit %s`, which is no command", name)
	}
}
