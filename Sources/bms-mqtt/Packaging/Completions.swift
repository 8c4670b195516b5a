import BMSCore

/// Completions for shells, from the ``CommandTable``.
enum Completions {
    /// For bash, without further packages.
    static var bash: String {
        var text = """
            # bash completion for bms-mqtt, made by 'bms-mqtt print-package-file completion-bash'.
            _bms_mqtt() {
                local current="${COMP_WORDS[COMP_CWORD]}" previous="${COMP_WORDS[COMP_CWORD-1]}" command="${COMP_WORDS[1]}" words=""
                COMPREPLY=()
                if [ "$COMP_CWORD" -eq 1 ]; then
                    words="\(CommandTable.rows.map(\.name).joined(separator: " ")) help --help --version"
                    COMPREPLY=($(compgen -W "$words" -- "$current"))
                    return
                fi
                case "$command $previous" in

            """
        for row in CommandTable.rows {
            for option in row.options where !option.isArgument {
                switch option.kind {
                case .flag: continue
                case .choice(_, let words): text += bashValue(row, option, "-W \"\(words.joined(separator: " "))\"")
                case .file: text += bashValue(row, option, "-f")
                case .text, .whole, .decimal: text += "        \"\(row.name) \(option.name)\") return ;;\n"
                }
            }
        }
        text += "    esac\n    case \"$command\" in\n"
        text += "        help) words=\"\(CommandTable.rows.map(\.name).joined(separator: " "))\" ;;\n"
        for row in CommandTable.rows {
            var words = row.options.filter { !$0.isArgument }.map(\.name) + ["--help"]
            var files = ""
            for argument in row.options where argument.isArgument {
                switch argument.kind {
                case .choice(_, let choices): words += choices
                case .file: files = "; COMPREPLY=($(compgen -f -- \"$current\"))"
                case .flag, .text, .whole, .decimal: break
                }
            }
            text += "        \(row.name)) words=\"\(words.joined(separator: " "))\"\(files) ;;\n"
        }
        return text + """
                esac
                COMPREPLY+=($(compgen -W "$words" -- "$current"))
            }
            complete -o filenames -F _bms_mqtt bms-mqtt

            """
    }

    private static func bashValue(_ row: CommandRow, _ option: OptionRow, _ source: String) -> String {
        "        \"\(row.name) \(option.name)\") COMPREPLY=($(compgen \(source) -- \"$current\")); return ;;\n"
    }

    /// For zsh.
    static var zsh: String {
        var text = """
            #compdef bms-mqtt
            # zsh completion for bms-mqtt, made by 'bms-mqtt print-package-file completion-zsh'.
            _bms_mqtt() {
                local -a commands
                commands=(

            """
        for row in CommandTable.rows { text += "        \("\(row.name):\(row.summary)".inShellQuotes)\n" }
        text += """
                )
                if (( CURRENT == 2 )); then
                    _describe command commands
                    return
                fi
                local command=$words[2]
                shift words
                (( CURRENT-- ))
                case $command in
                    help) _describe command commands ;;

            """
        for row in CommandTable.rows {
            text += "        \(row.name))\n            _arguments \("--help[this text]".inShellQuotes)"
            for option in row.options { text += " \\\n                \(zshArgument(option).inShellQuotes)" }
            text += " ;;\n"
        }
        return text + "    esac\n}\n_bms_mqtt \"$@\"\n"
    }

    private static func zshArgument(_ option: OptionRow) -> String {
        let meaning = String(option.meaning.map { "[]:\\".contains($0) ? " " : $0 })
        let action: String
        switch option.kind {
        case .flag: return "\(option.name)[\(meaning)]"
        case .file(let word): action = "\(word.filter { !"[]".contains($0) }):_files"
        case .choice(let word, let words): action = "\(word):(\(words.joined(separator: " ")))"
        case .text(let word), .whole(let word, _), .decimal(let word, _):
            action = "\(word.filter { !"[]:".contains($0) }): "
        }
        return option.isArgument ? ":\(action)" : "\(option.name)=[\(meaning)]:\(action)"
    }

    /// For fish.
    static var fish: String {
        var text = """
            # fish completion for bms-mqtt, made by 'bms-mqtt print-package-file completion-fish'.
            complete -c bms-mqtt -f

            """
        let names = CommandTable.rows.map(\.name).joined(separator: " ")
        for row in CommandTable.rows {
            text += "complete -c bms-mqtt -n __fish_use_subcommand -a \(row.name) -d \(row.summary.inShellQuotes)\n"
        }
        text += "complete -c bms-mqtt -n __fish_use_subcommand -l version -d 'print the versions'\n"
        text += "complete -c bms-mqtt -l help -d 'explain the command'\n"
        text += "complete -c bms-mqtt -n '__fish_seen_subcommand_from help' -a '\(names)'\n"
        for row in CommandTable.rows {
            for option in row.options {
                let seen = "complete -c bms-mqtt -n '__fish_seen_subcommand_from \(row.name)'"
                let name = option.isArgument ? "" : " -l \(option.name.dropFirst(2)) -d \(option.meaning.inShellQuotes)"
                switch option.kind {
                case .flag: text += "\(seen)\(name)\n"
                case .file: text += "\(seen)\(name)\(option.isArgument ? "" : " -r") -F\n"
                case .choice(_, let words):
                    text +=
                        "\(seen)\(name)\(option.isArgument ? "" : " -x") -a \(words.joined(separator: " ").inShellQuotes)\n"
                case .text, .whole, .decimal: if !option.isArgument { text += "\(seen)\(name) -x\n" }
                }
            }
        }
        return text
    }
}
