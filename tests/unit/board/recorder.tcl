# Stands for a vendor's Tcl: knows commands, their options and the properties that may be set, and refuses all else.
# Before this: dicts `options` (command to options with a value), `flags`, `kinds` (command to the kind of object that it
# gives; objects are kind:name), `properties` (kind to names), `pins` (IP to patterns), `answers`; list `assignments`;
# `inferred`: whether the packager has made the map of registers itself; `slacks`; `record`.

set channel [open $record w]
proc note {words} {
  puts $::channel [string map [list "\n" " "] $words]
  flush $::channel
}
proc refuse {text} {
  puts stderr "refused: $text"
  exit 3
}

# The positional arguments of a call, its options checked.
proc checked {command words} {
  set rest {}
  for {set i 0} {$i < [llength $words]} {incr i} {
    set word [lindex $words $i]
    if {[string match -* $word] && ![string is double -strict $word]} {
      if {[dict exists $::flags $command] && $word in [dict get $::flags $command]} {
        continue
      }
      if {![dict exists $::options $command] || $word ni [dict get $::options $command]} {
        refuse "$command knows no option $word"
      }
      if {[incr i] >= [llength $words]} {
        refuse "$command: $word wants a value"
      }
      if {$word in {-root_dir -ip_directory -directory -xo_path -file} && [string match "* *" [lindex $words $i]]} {
        refuse "$command: $word [lindex $words $i]"
      }
    } else {
      lappend rest $word
    }
  }
  return $rest
}

proc check_property {name object} {
  set kind [lindex [split $object :] 0]
  if {![dict exists $::properties $kind] || $name ni [dict get $::properties $kind]} {
    refuse "$object has no property $name"
  }
}

# The value of an option.
proc option {words name} {
  set at [lsearch -exact $words $name]
  return [expr {$at < 0 ? {} : [lindex $words [expr {$at + 1}]]}]
}

namespace eval ipx {}
foreach command [dict keys $options] {
  proc ::$command {args} [format {
    set rest [checked %1$s $args]
    note [list %1$s {*}$args]
    return [answer %1$s $args $rest]
  } $command]
}

proc answer {command words rest} {
  switch $command {
    set_property {
      if {"-dict" in $words} {
        foreach {name value} [option $words -dict] { check_property $name [lindex $rest 0] }
      } else {
        check_property [lindex $rest 0] [lindex $rest 2]
      }
    }
    get_ipdefs {
      set ip [string range [lindex $rest 0] 0 end-2]
      return [list $ip:9.0 $ip:10.0]
    }
    create_bd_cell {
      lassign [split [option $words -vlnv] :] vendor library ip version
      if {![dict exists $::pins $ip]} { refuse "there is no IP $ip" }
      if {$version ne "10.0"} { refuse "$ip $version is not the newest" }
      set ::cells([lindex $rest 0]) $ip
      return $ip:[lindex $rest 0]
    }
    get_bd_pins - get_bd_intf_pins {
      lassign [split [lindex $rest 0] /] cell pin
      if {![info exists ::cells($cell)]} { refuse "there is no cell $cell" }
      foreach pattern [dict get $::pins $::cells($cell)] {
        if {[string match $pattern $pin]} { return [lindex $rest 0] }
      }
      refuse "$cell has no pin $pin"
    }
    ipx::get_memory_maps - ipx::get_address_blocks {
      if {!$::inferred} { return {} }
    }
    ipx::add_memory_map - ipx::add_address_block {
      if {$::inferred} { refuse "$command: it is there already" }
    }
    create_bd_design {
      set ::system [lindex $rest 0]
    }
    add_files {
      foreach file [concat {*}$rest] {
        if {![file exists $file]} { refuse "$command: $file does not exist" }
      }
    }
    set_global_assignment {
      set name [option $words -name]
      if {$name ni $::assignments} { refuse "there is no assignment $name" }
      if {[string match *_FILE $name] && ![file exists [lindex $rest 0]]} { refuse "[lindex $rest 0] does not exist" }
    }
    ipx::package_project {
      set root [option $words -root_dir]
      file mkdir $root
      close [open $root/component.xml w]
    }
    launch_runs {
      set runs $::here/work/$::name/$::name.runs/impl_1
      set bd $::here/work/$::name/$::name.gen/sources_1/bd/$::system/hw_handoff
      file mkdir $runs $bd
      close [open $runs/${::system}_wrapper.bit w]
      close [open $bd/$::system.hwh w]
    }
    get_property {
      return [expr {[lindex $rest 0] eq "PROGRESS" ? "100%" : [dict get $::slacks [lindex $rest 1]]}]
    }
    get_timing_paths {
      return [expr {"-hold" in $words ? "hold" : "setup"}]
    }
  }
  if {[dict exists $::kinds $command]} {
    return [dict get $::kinds $command]:[lindex $rest 0]
  }
  if {[dict exists $::answers $command]} {
    return [string map [list %s [lindex $rest 0]] [dict get $::answers $command]]
  }
  return [lindex $rest end]
}

rename unknown tcl_unknown
proc unknown {args} {
  refuse "there is no command [lindex $args 0]"
}
