package main

import (
	"fmt"

	"github.com/urfave/cli/v2"

	"slimfit/pkg/exit"
)

// completionCommand prints a shell's completion script.
func completionCommand() *cli.Command {
	return &cli.Command{
		Name:      "completion",
		Usage:     "print a completion script for bash, zsh or fish",
		ArgsUsage: "bash|zsh|fish",
		Action: func(c *cli.Context) error {
			shell, err := oneArg(c, "shell")
			if err != nil {
				return err
			}
			switch shell {
			case "bash":
				fmt.Fprint(c.App.Writer, bashCompletion)
			case "zsh":
				fmt.Fprint(c.App.Writer, zshCompletion)
			case "fish":
				script, err := c.App.ToFishCompletion()
				if err != nil {
					return fmt.Errorf("write the fish completion: %w", err)
				}
				fmt.Fprint(c.App.Writer, script)
			default:
				return exit.Usagef("completion: unknown shell %q: want bash, zsh or fish", shell)
			}
			return nil
		},
	}
}

// The program completes itself: with this last flag it prints what could
// follow. File names are the shell's own business.
const bashCompletion = `# bash completion for slimfit; use: source <(slimfit completion bash)
_slimfit() {
  local cur="${COMP_WORDS[COMP_CWORD]}" words=("${COMP_WORDS[@]:0:COMP_CWORD}")
  [[ $cur == -* ]] && words+=("$cur")
  COMPREPLY=($(compgen -W "$("${words[@]}" --generate-bash-completion 2>/dev/null)" -- "$cur"))
}
complete -o bashdefault -o default -F _slimfit slimfit
`

const zshCompletion = `#compdef slimfit
# zsh completion for slimfit; use: source <(slimfit completion zsh)
_slimfit() {
  local -a words_now
  words_now=("${(@f)$(${words[1,CURRENT-1]} --generate-bash-completion 2>/dev/null)}")
  compadd -- $words_now
  _files
}
compdef _slimfit slimfit
`
