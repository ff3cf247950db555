package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
	"slimfit/pkg/experiment"
)

// schemaCommand prints what an experiment file may hold.
func schemaCommand() *cli.Command {
	return &cli.Command{
		Name:  "schema",
		Usage: "print the JSON Schema of experiment files, for editors, or the table of every key",
		Flags: []cli.Flag{formatFlag("json", "markdown")},
		Action: func(c *cli.Context) error {
			if c.NArg() > 0 {
				return exit.Usagef("schema: takes no argument, got %q", c.Args().First())
			}
			if c.String("format") == "markdown" {
				_, err := fmt.Fprint(c.App.Writer, experiment.Reference())
				return exit.Failed(err)
			}
			b, err := experiment.Schema()
			if err != nil {
				return err
			}
			_, err = c.App.Writer.Write(b)
			return exit.Failed(err)
		},
	}
}
