# bash completion for cairn(1): the program knows its words, its groups, its points and its jobs.
_cairn()
{
	local line=${COMP_LINE:0:COMP_POINT} typed='' prefix word
	local -a words
	COMPREPLY=()
	read -ra words <<<"$line"
	# A blank at the end begins a new word.
	[[ $line == *[[:space:]] ]] && words+=('')
	typed=${words[${#words[@]} - 1]}
	# bash takes web@3 for three words and replaces only the last: what stands before is left out.
	prefix=${typed%"${typed##*[@:=]}"}
	while IFS= read -r word; do
		if [[ $word == :files ]]; then
			compopt -o filenames 2>/dev/null || :
			while IFS= read -r word; do
				COMPREPLY+=("$word")
			done < <(compgen -f -- "$typed")
		else
			COMPREPLY+=("${word#"$prefix"}")
		fi
	done < <("${words[0]}" --complete "${words[@]:1}" 2>/dev/null)
}
complete -F _cairn cairn
